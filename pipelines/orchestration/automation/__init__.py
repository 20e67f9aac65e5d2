"""Jobs, and the schedules and sensors that start them."""
