//! The arithmetic below the decoder: GGUF's tensor formats, matrix products, attention.
