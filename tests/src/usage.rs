//! What a benchmark's own process has used, as Linux tells in `/proc`; nothing elsewhere.

/// The time that this process has spent on processors, in seconds; the kernel counts hundredths.
pub fn cpu_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    (ticks(11) + ticks(12)) / 100.0
}

/// The most memory that this process had since it last [forgot](forget_peak), in bytes.
pub fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default() << 10
}

/// Begins to look for the peak anew.
pub fn forget_peak() {
    // Where the kernel does not know this, the peak is that of the whole run.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
