"""What the project is made of besides itself: the locked packages, their licences, their flaws."""
