//! Layers, losses and optimisers on candle, every gradient checked
