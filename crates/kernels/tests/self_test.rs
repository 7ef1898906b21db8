//! The known-answer test passes on every device that computes rightly, again and again.

mod common;

use futures::executor::block_on;
use lowshot_kernels::self_test;

#[test]
fn every_device_passes_twice() {
    for (name, device) in common::devices() {
        for _ in 0..2 {
            if let Err(error) = block_on(self_test(device)) {
                panic!("{name}: {error}");
            }
        }
    }
}
