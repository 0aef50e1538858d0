//! Disks of the machine with their partitions, from the kernel's and udev's text files; no disk is opened.

use std::path::{Path, PathBuf};

use super::text;

/// Devices below `/sys/block` that are no disks.
const NO_DISKS: [&str; 9] = ["loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd", "zd"];
/// Bytes of the kernel's sectors.
const SECTOR: u64 = 512;

/// Where the text files are.
#[derive(Debug)]
pub struct Sources {
    /// `/sys/block`
    pub block: PathBuf,
    /// `/run/udev/data`
    pub udev: PathBuf,
    /// `/proc/self/mounts`
    pub mounts: PathBuf,
}

impl Default for Sources {
    fn default() -> Sources {
        Sources {
            block: PathBuf::from("/sys/block"),
            udev: PathBuf::from("/run/udev/data"),
            mounts: PathBuf::from("/proc/self/mounts"),
        }
    }
}

/// A disk.
#[derive(Debug, PartialEq, Eq)]
pub struct Drive {
    pub name: String,
    pub size: u64,
    /// `hdd`, `ssd`, `usb` or `unknown`.
    pub kind: &'static str,
    /// `unused`, `mounted`, `lvm`, `zfs`, `devicemapper`, `partitions` or `filesystem`.
    pub used: &'static str,
    pub gpt: bool,
    pub model: Option<String>,
    pub vendor: Option<String>,
    pub serial: Option<String>,
    pub wwn: Option<String>,
    pub partitions: Vec<Partition>,
}

/// A part of one.
#[derive(Debug, PartialEq, Eq)]
pub struct Partition {
    pub name: String,
    pub size: u64,
    /// `unused`, `lvm`, `zfs`, `efi`, `bios` or `filesystem`.
    pub used: &'static str,
    pub mounted: bool,
    pub filesystem: Option<String>,
    pub uuid: Option<String>,
}

/// All disks by name.
pub fn drives(sources: &Sources) -> Vec<Drive> {
    let mounts = text(&sources.mounts);
    let mut all: Vec<Drive> = names(&sources.block)
        .into_iter()
        .filter(|name| !NO_DISKS.iter().any(|prefix| name.starts_with(prefix)))
        .map(|name| drive(sources, &mounts, name))
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

fn names(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// What udev found out about a device.
struct Udev(String);

impl Udev {
    fn of(sources: &Sources, device: &Path) -> Udev {
        let number = text(device.join("dev"));
        Udev(text(sources.udev.join(format!("b{}", number.trim()))))
    }

    fn get(&self, key: &str) -> Option<String> {
        let of_key = |line: &str| {
            Some(
                line.strip_prefix("E:")?
                    .strip_prefix(key)?
                    .strip_prefix('=')?
                    .to_owned(),
            )
        };
        self.0
            .lines()
            .find_map(of_key)
            .filter(|value| !value.is_empty())
    }
}

fn drive(sources: &Sources, mounts: &str, name: String) -> Drive {
    let path = sources.block.join(&name);
    let udev = Udev::of(sources, &path);
    let word = |file: &str| Some(text(path.join(file)).trim().to_owned()).filter(|w| !w.is_empty());
    let is_partition =
        |part: &String| part.starts_with(&name) && path.join(part).join("partition").exists();
    let mut partitions: Vec<Partition> = names(&path)
        .into_iter()
        .filter(is_partition)
        .map(|part| partition(sources, mounts, &path, part))
        .collect();
    partitions.sort_by(|a, b| a.name.cmp(&b.name));
    let mapped = names(&path.join("holders"))
        .iter()
        .any(|holder| holder.starts_with("dm-"));
    let used = match udev.get("ID_FS_TYPE").as_deref() {
        _ if is_mounted(mounts, &name) => "mounted",
        Some("LVM2_member") => "lvm",
        Some("zfs_member") => "zfs",
        _ if mapped => "devicemapper",
        _ if !partitions.is_empty() => "partitions",
        Some(_) => "filesystem",
        None => "unused",
    };
    Drive {
        size: size(&path),
        kind: kind(&path, &udev, word("queue/rotational").as_deref()),
        used,
        gpt: udev.get("ID_PART_TABLE_TYPE").as_deref() == Some("gpt"),
        model: word("device/model").or_else(|| udev.get("ID_MODEL")),
        vendor: word("device/vendor").or_else(|| udev.get("ID_VENDOR")),
        serial: udev
            .get("ID_SERIAL_SHORT")
            .or_else(|| word("device/serial"))
            .or_else(|| word("serial")),
        wwn: udev.get("ID_WWN").or_else(|| word("device/wwid")),
        partitions,
        name,
    }
}

fn kind(path: &Path, udev: &Udev, rotational: Option<&str>) -> &'static str {
    if udev.get("ID_BUS").as_deref() == Some("usb") {
        return "usb";
    }
    // A virtual disk says that it rotates because nobody told it otherwise.
    let is_virtual = path.join("device").join("uevent").exists()
        && text(path.join("device/uevent")).contains("DRIVER=virtio_blk");
    match rotational {
        Some("1") if !is_virtual => "hdd",
        Some("0") => "ssd",
        _ => "unknown",
    }
}

fn partition(sources: &Sources, mounts: &str, disk: &Path, name: String) -> Partition {
    /// Types of partitions in a GPT.
    const EFI: &str = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
    const BIOS: &str = "21686148-6449-6e6f-744e-656564454649";
    let path = disk.join(&name);
    let udev = Udev::of(sources, &path);
    let filesystem = udev.get("ID_FS_TYPE");
    let used = match (
        udev.get("ID_PART_ENTRY_TYPE").as_deref(),
        filesystem.as_deref(),
    ) {
        (Some(EFI), _) => "efi",
        (Some(BIOS), _) => "bios",
        (_, Some("LVM2_member")) => "lvm",
        (_, Some("zfs_member")) => "zfs",
        (_, Some(_)) => "filesystem",
        (_, None) => "unused",
    };
    Partition {
        size: size(&path),
        used,
        mounted: is_mounted(mounts, &name),
        filesystem: filesystem.filter(|_| used == "filesystem"),
        uuid: udev.get("ID_PART_ENTRY_UUID"),
        name,
    }
}

fn size(device: &Path) -> u64 {
    let sectors: u64 = text(device.join("size")).trim().parse().unwrap_or(0);
    sectors.saturating_mul(SECTOR)
}

fn is_mounted(mounts: &str, name: &str) -> bool {
    let device =
        |line: &str| line.split(' ').next().and_then(|d| d.strip_prefix("/dev/")) == Some(name);
    mounts.lines().any(device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_and_what_they_are_used_for() {
        let root = tempfile::tempdir().expect("tempdir");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("folder")).expect("folder");
            std::fs::write(path, text).expect("write");
        };
        write("block/loop0/size", "8\n");
        write("block/sda/size", "2048\n");
        write("block/sda/dev", "8:0\n");
        write("block/sda/queue/rotational", "1\n");
        write("block/sda/device/model", "Big Disk \n");
        write("block/sda/sda1/partition", "1\n");
        write("block/sda/sda1/size", "1024\n");
        write("block/sda/sda1/dev", "8:1\n");
        write("block/sdb/size", "4096\n");
        write("block/sdb/dev", "8:16\n");
        write("block/nvme0n1/size", "16\n");
        write("block/nvme0n1/dev", "259:0\n");
        write("block/nvme0n1/queue/rotational", "0\n");
        write(
            "udev/b8:0",
            "S:disk\nE:ID_PART_TABLE_TYPE=gpt\nE:ID_SERIAL_SHORT=S1\nE:ID_WWN=0x5\n",
        );
        write("udev/b8:1", "E:ID_FS_TYPE=ext4\nE:ID_PART_ENTRY_UUID=u-1\n");
        write("udev/b8:16", "E:ID_BUS=usb\nE:ID_FS_TYPE=LVM2_member\n");
        write(
            "mounts",
            "/dev/sda1 / ext4 rw 0 0\nproc /proc proc rw 0 0\n",
        );
        let sources = Sources {
            block: root.path().join("block"),
            udev: root.path().join("udev"),
            mounts: root.path().join("mounts"),
        };
        let all = drives(&sources);
        let shown: Vec<_> = all
            .iter()
            .map(|drive| {
                (
                    drive.name.as_str(),
                    drive.size,
                    drive.kind,
                    drive.used,
                    drive.gpt,
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("nvme0n1", 8192, "ssd", "unused", false),
                ("sda", 1_048_576, "hdd", "partitions", true),
                ("sdb", 2_097_152, "usb", "lvm", false),
            ]
        );
        assert_eq!(all[1].model.as_deref(), Some("Big Disk"));
        assert_eq!(all[1].serial.as_deref(), Some("S1"));
        let part = Partition {
            name: "sda1".into(),
            size: 524_288,
            used: "filesystem",
            mounted: true,
            filesystem: Some("ext4".into()),
            uuid: Some("u-1".into()),
        };
        assert_eq!(all[1].partitions, [part]);
    }
}
