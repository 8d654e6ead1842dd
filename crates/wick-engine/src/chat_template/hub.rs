//! The chat template of a model folder as the Hub ships it.
