"""The engine on AWS: behind API Gateway on Lambda, and on SageMaker."""
