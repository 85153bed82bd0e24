//! What this process has used so far, as Linux tells it; `None` elsewhere.

/// Clock ticks a second in `/proc`: fixed for user space, whatever the kernel's own rate.
const TICKS: f64 = 100.0;

/// Processor time of all threads, user and system.
pub fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in brackets, and may hold anything; user and system time are the 14th and 15th.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS)
}

/// Resident memory.
pub fn resident_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_ascii_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn work_takes_time_and_memory() {
        let before = cpu_seconds().unwrap();
        let start = std::time::Instant::now();
        while start.elapsed().as_millis() < 60 {
            std::hint::black_box((0..1000).sum::<u64>());
        }
        assert!(cpu_seconds().unwrap() > before);
        assert!(resident_mib().unwrap() > 1.0);
    }
}
