//! The file of a Unix socket.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The file of a socket that listens, removed when this is dropped.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// As it was made: what stands there later may be another server's.
    made: Metadata,
}

impl SocketFile {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Who may connect, which the file's mode says: to connect is to write.
    pub(crate) fn permissions(&self) -> String {
        let mode = self.made.mode() & 0o777;
        let who = match (mode & 0o020 != 0, mode & 0o002 != 0) {
            (_, true) => "Everyone on this machine",
            (true, false) => "Its owner and its group",
            (false, false) => "Its owner alone",
        };
        format!("{who} may connect (mode {mode:03o}, as the umask says).")
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let now = fs::symlink_metadata(&self.path);
        let is_ours = |now: &Metadata| (now.dev(), now.ino()) == (self.made.dev(), self.made.ino());
        if now.is_ok_and(|now| is_ours(&now)) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Listens at a path. A socket that an ended server has left there makes room, and nothing else does.
pub(super) fn listen(path: &Path) -> Result<(UnixListener, SocketFile), String> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            remove_left_over(path)?;
            UnixListener::bind(path)
        }
        listener => listener,
    };
    let listener = listener.map_err(|error| error.to_string())?;
    let made = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    let path = path.to_owned();
    Ok((listener, SocketFile { path, made }))
}

fn remove_left_over(path: &Path) -> Result<(), String> {
    let found = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if !found.file_type().is_socket() {
        return Err("there is a file that is no socket. Choose another path".into());
    }
    match UnixStream::connect(path) {
        // Nobody listens: it was left over.
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path)
            .map_err(|error| format!("what an ended server left there cannot be removed: {error}")),
        Err(error) => Err(format!(
            "whether a server listens there is not told: {error}"
        )),
        Ok(_) => Err("another server listens there. End that one, or choose another path".into()),
    }
}
