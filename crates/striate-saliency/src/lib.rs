//! Sensitivity maps of networks against saliency maps of images
