//! The disk that models lie on.

use std::path::Path;

use super::profile::Disk;

/// Its size and what is free; `None` where the system does not tell. The folder's own file system is asked and no
/// other: a network disk that hangs elsewhere is none of our business.
#[cfg(unix)]
pub fn read(folder: &Path) -> Option<Disk> {
    let told = rustix::fs::statvfs(folder).ok()?;
    Some(Disk {
        total_bytes: told.f_blocks.saturating_mul(told.f_frsize),
        free_bytes: told.f_bavail.saturating_mul(told.f_frsize),
    })
}

/// Its size and what is free; `None` where the system does not tell.
#[cfg(not(unix))]
pub fn read(folder: &Path) -> Option<Disk> {
    let folder = std::path::absolute(folder).ok()?;
    let disks = sysinfo::Disks::new_with_refreshed_list().ok()?;
    let holds = |disk: &&sysinfo::Disk| folder.starts_with(disk.mount_point());
    let disk = disks.iter().filter(holds);
    let disk = disk.max_by_key(|disk| disk.mount_point().as_os_str().len())?;
    Some(Disk {
        total_bytes: disk.total_space(),
        free_bytes: disk.available_space(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_lies_on_a_disk_and_nothing_on_none() {
        let folder = tempfile::tempdir().unwrap();
        let disk = read(folder.path()).unwrap();
        assert!(disk.total_bytes > 0 && disk.free_bytes <= disk.total_bytes);
        assert_eq!(read(&folder.path().join("gone")), None);
    }
}
