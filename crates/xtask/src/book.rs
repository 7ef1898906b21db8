//! stub
pub fn build() -> Result<(), String> { Ok(()) }
