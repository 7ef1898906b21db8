//! The lab inside a Web Worker.
//!
//! Built twice for wasm32: with feature `cpu` (SIMD) and with feature `webgpu`. The page posts frames of
//! `lowshot_protocol` and gets frames back; a plain string from the worker means that it has died. There is nothing
//! here for other targets.
#![cfg(target_family = "wasm")]

mod platform;
mod worker;

pub use worker::start;
