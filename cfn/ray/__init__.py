"""What runs inside of AWS's container image for Ray Serve."""
