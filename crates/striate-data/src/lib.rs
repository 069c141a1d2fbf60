//! Image sets and macaque recordings: formats, splits and batches
