//! Unix sockets to listen on, and their files.

use super::mode::Mode;
use rustix::io::Errno;
use socket2::{Domain, SockAddr, Socket, Type};
use std::fmt;
use std::fs::{self, DirBuilder, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _,
};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// What a Unix socket's address has room for on Linux; elsewhere a few less.
const LONGEST_PATH: usize = 107;
/// How often to look again what is at a path when that has changed meanwhile.
const LOOKS: usize = 10;

/// Where a server listens on a Unix socket.
#[derive(Debug)]
pub(crate) struct UnixPlace {
    pub(crate) name: Name,
    /// Who may connect, as far as it can be told.
    pub(crate) permissions: String,
    _file: Option<OwnFile>,
}

/// How a Unix socket is found.
#[derive(Debug)]
pub(crate) enum Name {
    Path(PathBuf),
    /// Without a file, on Linux.
    #[cfg(target_os = "linux")]
    Abstract(String),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "unix:{}", path.display()),
            #[cfg(target_os = "linux")]
            Self::Abstract(name) => write!(f, "unix:@{name}"),
        }
    }
}

impl UnixPlace {
    /// One that somebody else has made and will remove.
    #[cfg(target_os = "linux")]
    pub(super) fn passed(name: Name) -> Self {
        let permissions = match &name {
            Name::Path(path) => match fs::symlink_metadata(path) {
                Ok(found) => who_may(found.mode(), "its SocketMode="),
                // It may be out of a service's sight.
                Err(_) => "Who may connect, its SocketMode= says.".into(),
            },
            Name::Abstract(_) => "Everyone in this network namespace may connect.".into(),
        };
        Self {
            name,
            permissions,
            _file: None,
        }
    }
}

/// Who may connect, which a file's mode says: to connect is to write.
fn who_may(mode: u32, says: &str) -> String {
    let mode = mode & 0o777;
    let who = match [0o002, 0o020, 0o200].map(|bit| mode & bit != 0) {
        [true, ..] => "Everyone on this machine",
        [_, true, _] => "Its owner and its group",
        [.., true] => "Its owner alone",
        _ => "Nobody but root",
    };
    format!("{who} may connect (mode {mode:03o}, as {says} says).")
}

/// The file of a socket that listens, removed when this is dropped.
#[derive(Debug)]
struct OwnFile {
    path: PathBuf,
    /// As it was made: what stands there later may be another server's.
    made: Metadata,
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        let now = fs::symlink_metadata(&self.path);
        if now.is_ok_and(|now| is_same(&now, &self.made)) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Listens at a path. A socket that an ended server has left there makes room, and nothing else does.
///
/// The file is made where nobody else can reach it, gets its mode there, and is moved to the path: at no time
/// may connect who should not.
pub(super) fn listen(path: &Path, mode: Option<Mode>) -> Result<(UnixListener, UnixPlace), String> {
    left_over(path)?;
    let (listener, made) = make_at(path, mode)?;
    let permissions = match mode {
        Some(_) => who_may(made.mode(), "--socket-mode"),
        None => who_may(made.mode(), "the umask"),
    };
    let path = path.to_owned();
    let place = UnixPlace {
        name: Name::Path(path.clone()),
        permissions,
        _file: Some(OwnFile { path, made }),
    };
    Ok((listener, place))
}

fn make_at(path: &Path, mode: Option<Mode>) -> Result<(UnixListener, Metadata), String> {
    let folder = Folder::beside(path).map_err(|error| {
        let beside = path.parent().unwrap_or(path);
        format!("cannot make a folder in {}: {error}", shown(beside))
    })?;
    let new = folder.socket();
    let is_too_long = |path: &Path| path.as_os_str().len() > LONGEST_PATH;
    if is_too_long(path) {
        return Err(format!(
            "the path is too long, a Unix socket has room for {LONGEST_PATH} bytes. Choose a shorter one"
        ));
    }
    if is_too_long(&new) {
        return Err(format!(
            "its folder's path is too long, a Unix socket has room for {LONGEST_PATH} bytes \
             and is made at {} first. Choose a shorter one",
            new.display()
        ));
    }
    let make = || {
        let listener = UnixListener::bind(&new)?;
        if let Some(Mode(mode)) = mode {
            fs::set_permissions(&new, Permissions::from_mode(mode))?;
        }
        Ok((listener, fs::symlink_metadata(&new)?))
    };
    let made = make().map_err(|error: io::Error| error.to_string())?;
    put(&new, path)?;
    Ok(made)
}

/// A relative path may have no folder to name.
fn shown(folder: &Path) -> String {
    match folder.as_os_str().is_empty() {
        true => "this folder".into(),
        false => folder.display().to_string(),
    }
}

/// A folder that nobody else may look into, removed with the socket in it when this is dropped.
struct Folder(PathBuf);

impl Folder {
    /// Its name is short because the path of a socket is.
    fn beside(path: &Path) -> io::Result<Self> {
        const TRIES: usize = 100;

        let mut error = ErrorKind::AlreadyExists.into();
        for number in 0..TRIES {
            let folder = path.with_file_name(format!(".ws{number}"));
            match DirBuilder::new().mode(0o700).create(&folder) {
                Ok(()) => return Ok(Self(folder)),
                // That of another server that starts, or was killed while it did.
                Err(taken) if taken.kind() == ErrorKind::AlreadyExists => error = taken,
                Err(error) => return Err(error),
            }
        }
        Err(error)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("s")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.socket());
        let _ = fs::remove_dir(&self.0);
    }
}

/// Moves a new socket to its path, unless somebody else has put something there.
fn put(new: &Path, path: &Path) -> Result<(), String> {
    for _ in 0..LOOKS {
        let moved = match left_over(path)? {
            None => rename(new, path, Rename::IfFree),
            Some(dead) => replace(&dead, new, path),
        };
        match moved {
            Ok(()) => return Ok(()),
            // It has changed since it was looked at.
            Err(Errno::EXIST | Errno::NOENT) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Err("others make and remove files there all the time. Choose another path".into())
}

/// Exchanges the two and looks at what came back: it may not be what was looked at before, but that of a server
/// which has just begun to listen.
fn replace(dead: &Metadata, new: &Path, path: &Path) -> Result<(), Errno> {
    rename(new, path, Rename::Exchange)?;
    let replaced = fs::symlink_metadata(new);
    // A plain rename leaves nothing to look at.
    if replaced.is_ok_and(|replaced| !is_same(&replaced, dead)) {
        rename(new, path, Rename::Exchange)?;
        return Err(Errno::EXIST);
    }
    Ok(())
}

enum Rename {
    IfFree,
    Exchange,
}

/// Renames as is said, or plainly where the system or the file system cannot do that.
fn rename(from: &Path, to: &Path, how: Rename) -> Result<(), Errno> {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};

        let flags = match how {
            Rename::IfFree => RenameFlags::NOREPLACE,
            Rename::Exchange => RenameFlags::EXCHANGE,
        };
        match renameat_with(CWD, from, CWD, to, flags) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::PERM) => {}
            moved => return moved,
        }
    }
    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    let _ = how;
    rustix::fs::rename(from, to)
}

/// The socket at a path that an ended server has left, or nothing.
///
/// It fails for anything else that is there: it stays.
fn left_over(path: &Path) -> Result<Option<Metadata>, String> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        found => found.map_err(|error| error.to_string())?,
    };
    if !found.file_type().is_socket() {
        return Err("there is a file that is no socket. Choose another path".into());
    }
    let Err(error) = connect(path) else {
        return Err(TAKEN.into());
    };
    match error.kind() {
        // Nobody listens.
        ErrorKind::ConnectionRefused => Ok(Some(found)),
        ErrorKind::NotFound => Ok(None),
        // Its queue is full: it is there all the same.
        ErrorKind::WouldBlock => Err(TAKEN.into()),
        _ => Err(format!(
            "whether a server listens there is not told: {error}"
        )),
    }
}

const TAKEN: &str = "another server listens there. End that one, or choose another path";

/// Does not wait for a server that accepts nobody.
fn connect(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, mpsc};
    use std::thread;
    use std::time::Duration;

    /// A folder of a test's own, removed with all that is in it.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let name = format!("plainws-unix-{}-{name}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            fs::create_dir(&folder).expect("it is new");
            Self(folder)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn who_may_connect_is_told_by_the_bits_to_write() {
        for (mode, who) in [
            (0o100_600, "Its owner alone may connect (mode 600, "),
            (0o755, "Its owner alone may connect (mode 755, "),
            (0o660, "Its owner and its group may connect (mode 660, "),
            (0o666, "Everyone on this machine may connect (mode 666, "),
            (0o002, "Everyone on this machine may connect (mode 002, "),
            (0o444, "Nobody but root may connect (mode 444, "),
        ] {
            let told = who_may(mode, "it");
            assert_eq!(told, format!("{who}as it says)."));
        }
    }

    /// Two servers find a dead socket at the same time, and the other one is quicker.
    #[test]
    fn a_server_that_began_meanwhile_is_not_replaced() {
        let scratch = Scratch::new("meanwhile");
        let [path, new, old] = ["x", "new", "old"].map(|name| scratch.0.join(name));
        drop(UnixListener::bind(&old).expect("the path is free"));
        let dead = fs::symlink_metadata(&old).expect("it is there");
        let quicker = UnixListener::bind(&path).expect("the path is free");
        let slower = UnixListener::bind(&new).expect("the path is free");
        assert_eq!(replace(&dead, &new, &path), Err(Errno::EXIST));
        UnixStream::connect(&path).expect("it listens");
        quicker.accept().expect("it is still there");
        // Nor if there was nothing before.
        assert_eq!(rename(&new, &path, Rename::IfFree), Err(Errno::EXIST));
        drop(slower);
    }

    #[test]
    fn a_server_that_accepts_nobody_is_one() {
        let scratch = Scratch::new("full");
        let path = scratch.0.join("x");
        let _listener = {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
            let address = SockAddr::unix(&path).expect("it is short");
            socket.bind(&address).expect("the path is free");
            socket.listen(0).expect("it is bound");
            socket
        };
        let mut waiting = Vec::new();
        while let Ok(stream) = {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
            socket.set_nonblocking(true).expect("it is a socket");
            let address = SockAddr::unix(&path).expect("it is short");
            socket.connect(&address).map(|()| socket)
        } {
            waiting.push(stream);
        }
        let (told, looked) = mpsc::channel();
        thread::spawn(move || told.send(left_over(&path).map(drop)));
        let looked = looked.recv_timeout(Duration::from_secs(20));
        let refused = looked
            .expect("it does not wait")
            .expect_err("a server is there");
        assert!(
            refused.starts_with("another server listens there"),
            "{refused}"
        );
    }

    /// Not even for a moment, which is when somebody might who should not.
    #[test]
    fn nobody_may_connect_before_the_mode_is_set() {
        let scratch = Scratch::new("moment");
        let path = scratch.0.join("x");
        let its_path = path.clone();
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        let watching = thread::spawn(move || {
            let mut seen = HashSet::new();
            while !ends.load(Ordering::Relaxed) {
                if let Ok(found) = fs::symlink_metadata(&its_path) {
                    seen.insert(found.mode() & 0o777);
                }
            }
            seen
        });
        for _ in 0..2000 {
            drop(listen(&path, Some(Mode(0o600))).expect("the path is free"));
        }
        is_over.store(true, Ordering::Relaxed);
        let seen = watching.join().expect("it does not panic");
        let wrong = seen.iter().find(|&&mode| mode != 0o600);
        assert_eq!(wrong, None, "a mode that it had for a moment");
    }

    #[test]
    fn nothing_else_is_left_of_a_socket_that_was_made() {
        let scratch = Scratch::new("left");
        let path = scratch.0.join("x");
        let names = || {
            let names = fs::read_dir(&scratch.0).expect("it is there");
            names
                .map(|entry| entry.expect("an entry").file_name())
                .collect::<Vec<_>>()
        };
        let listening = listen(&path, Some(Mode(0o640))).expect("the path is free");
        assert_eq!(names(), ["x"]);
        let mode = fs::symlink_metadata(&path).expect("it is there").mode();
        assert_eq!(mode & 0o777, 0o640);
        drop(listening);
        assert!(names().is_empty());
        // Nor of one that could not be.
        fs::write(&path, "precious").expect("the path is free");
        listen(&path, None).expect_err("there is a file");
        let long = scratch.0.join("x".repeat(LONGEST_PATH));
        let refused = listen(&long, None).expect_err("it is too long");
        assert!(refused.starts_with("the path is too long"), "{refused}");
        let room = LONGEST_PATH - scratch.0.as_os_str().len() - "/".len();
        let folder = scratch.0.join("f".repeat(room - "/x".len()));
        fs::create_dir(&folder).expect("it is new");
        let refused = listen(&folder.join("x"), None).expect_err("there is no room to make it");
        assert!(refused.starts_with("its folder's path is"), "{refused}");
        fs::remove_dir(&folder).expect("nothing is left in it");
        assert_eq!(names(), ["x"]);
    }
}
