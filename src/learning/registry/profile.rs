//! What the bytes of trained weights depend on besides their input: the machine.
//!
//! Sums are rounded differently with and without fused multiply-add; matrix kernels block by the first-level cache; `exp` and
//! `tanh` come from the system's mathematical library. Equality to the byte is claimed within one profile only.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuProfile {
    pub architecture: String,
    /// Instruction sets the kernels choose by.
    pub features: Vec<String>,
    /// First-level data cache, as the system names it, e.g. "32K".
    pub l1_data: Option<String>,
    /// The C library, which brings `exp` and `tanh`.
    pub libc: String,
    pub optimised_build: bool,
}

impl CpuProfile {
    /// This machine's.
    pub fn here() -> Self {
        Self {
            architecture: std::env::consts::ARCH.into(),
            features: features(),
            l1_data: l1_data(),
            libc: libc(),
            optimised_build: !cfg!(debug_assertions),
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<String> {
    let mut found = Vec::new();
    if std::arch::is_x86_feature_detected!("avx2") {
        found.push("avx2".to_string());
    }
    if std::arch::is_x86_feature_detected!("fma") {
        found.push("fma".to_string());
    }
    if std::arch::is_x86_feature_detected!("avx512f") {
        found.push("avx512f".to_string());
    }
    found
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> Vec<String> {
    Vec::new()
}

/// Linux says; elsewhere it stays unknown.
fn l1_data() -> Option<String> {
    let folder = std::path::Path::new("/sys/devices/system/cpu/cpu0/cache");
    (0..8).map(|index| folder.join(format!("index{index}"))).find_map(|index| {
        let read = |name: &str| std::fs::read_to_string(index.join(name)).ok().map(|text| text.trim().to_string());
        (read("level")? == "1" && read("type")? == "Data").then(|| read("size"))?
    })
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn libc() -> String {
    unsafe extern "C" {
        safe fn gnu_get_libc_version() -> *const std::ffi::c_char;
    }
    // SAFETY: glibc returns a pointer to a constant, NUL-terminated text.
    let version = unsafe { std::ffi::CStr::from_ptr(gnu_get_libc_version()) };
    format!("glibc {}", version.to_string_lossy())
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn libc() -> String {
    std::env::consts::OS.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_profile_that_stays_the_same() {
        let here = CpuProfile::here();
        assert!(!here.architecture.is_empty() && !here.libc.is_empty());
        assert_eq!(here, CpuProfile::here());
    }
}
