"""What the vectors are for: the building blocks of a task's network, and the tasks."""
