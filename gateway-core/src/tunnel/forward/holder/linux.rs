//! Linux: `/proc/net/tcp` names the socket behind a port, `/proc/<pid>/fd` who has it (proc(5)).

use super::Holder;
use std::path::Path;

/// The state of a listening socket in `/proc/net/tcp` (TCP_LISTEN).
const LISTENING: &str = "0A";

/// Returns the first process we may look into that holds a socket listening on the port.
pub(super) fn holder_of(port: u16) -> Option<Holder> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .flat_map(|table| listening_inodes(&table, port))
        .collect();
    if inodes.is_empty() {
        return None;
    }
    std::fs::read_dir("/proc")
        .ok()?
        .flatten()
        .find_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            if !holds_one_of(&entry.path(), &inodes) {
                return None;
            }
            let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            let name: String = name.trim().chars().filter(|c| !c.is_control()).collect();
            Some(Holder { name, pid })
        })
}

/// Returns the inodes of sockets that listen on the port, whatever their address.
fn listening_inodes(table: &str, port: u16) -> Vec<String> {
    let port = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
            (local.ends_with(&port) && *state == LISTENING).then(|| (*inode).to_owned())
        })
        .collect()
}

fn holds_one_of(process: &Path, inodes: &[String]) -> bool {
    let Ok(files) = std::fs::read_dir(process.join("fd")) else {
        return false;
    };
    files
        .flatten()
        .filter_map(|file| std::fs::read_link(file.path()).ok())
        .any(|link| {
            link.to_str()
                .and_then(|link| link.strip_prefix("socket:[")?.strip_suffix(']'))
                .is_some_and(|inode| inodes.iter().any(|wanted| wanted == inode))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listening_sockets_of_the_port_are_found() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                     0: 0100007F:4965 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100\n   \
                     1: 0100007F:4965 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0 100\n   \
                     2: 0100007F:4966 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0 100\n";

        assert_eq!(listening_inodes(table, 18789), ["111"]);
        assert_eq!(listening_inodes("", 18789), Vec::<String>::new());
    }
}
