//! Convolution, normalisation and pooling kernels for the CPU
