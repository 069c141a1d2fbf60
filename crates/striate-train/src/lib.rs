//! Multi-task training: losses, cyclers, schedules, early stopping, checkpoints
