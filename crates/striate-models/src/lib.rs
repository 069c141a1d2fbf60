//! VGG trunks, neural readouts, multi-task networks and a simulated V1
