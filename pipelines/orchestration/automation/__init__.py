"""What starts runs: jobs to launch by name, the schedules and the sensor that do it by themselves, and when not to."""
