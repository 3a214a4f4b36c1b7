//! How much memory this process has used at most.

/// Peak resident memory in bytes; None where the system does not tell (all but Linux).
pub(crate) fn peak_bytes() -> Option<u64> {
    peak_in(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// `VmHWM` of `/proc/<pid>/status`, which is in KiB (proc_pid_status(5)).
fn peak_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_high_water_mark() {
        assert_eq!(
            peak_in("Name:\tx\nVmPeak:\t  99 kB\nVmHWM:\t  1234 kB\nVmRSS:\t 5 kB\n"),
            Some(1_263_616)
        );
        assert_eq!(peak_in("Name:\tx\n"), None);
        assert_eq!(peak_in("VmHWM:\t many kB\n"), None);
    }
}
