//! The files of a folder, as pages: `--static DIR`.
//!
//! Each is read anew for each request. None is served that is outside the folder, by whatever path or link, and
//! none whose name, or that of a folder on the way, begins with a dot.

use crate::app::text;
use plainws::Page;
use plainws::protocol::request::Request;
use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};

/// A folder.
#[derive(Clone, Debug)]
pub(super) struct Files {
    /// Without links on the way.
    root: PathBuf,
}

/// What is at a path.
enum Found {
    File(PathBuf),
    /// A folder without the slash after it, without which a page's relative links would lead astray.
    Folder,
}

impl Files {
    /// # Errors
    ///
    /// Why there is no such folder, in words for people.
    pub(super) fn of(folder: &str) -> Result<Self, String> {
        let root = Path::new(folder).canonicalize();
        let root = root.map_err(|error| error.to_string())?;
        if !root.is_dir() {
            return Err("that is a file; its folder can be served".into());
        }
        Ok(Self { root })
    }

    /// Its name, as it may be shown.
    pub(super) fn folder(&self) -> String {
        text::escaped(self.root.as_os_str().as_encoded_bytes())
    }

    /// What a request is answered with whose path is this one, without percent-encoding, below one of these prefixes
    /// or none; `None` if there is no such file. The folder may have one that is named like the prefix: its files
    /// come first.
    ///
    /// It fails with a refusal.
    pub(super) fn page(
        &self,
        request: &Request,
        prefixes: &[String],
        path: &str,
    ) -> Option<Result<Page, Page>> {
        let is_below = |prefix: &&String| {
            let rest = request.path().strip_prefix(prefix.as_str());
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        let prefix = prefixes
            .iter()
            .filter(is_below)
            .max_by_key(|prefix| prefix.len());
        let folder = prefix.and_then(|prefix| prefix.strip_prefix('/'));
        let found = folder.and_then(|folder| self.find(&format!("{folder}/{path}")));
        Some(match found.or_else(|| self.find(path))? {
            Found::File(file) => self.read(&file).map(Page::without_content_policy),
            Found::Folder => {
                let query = request.query().map(|query| format!("?{query}"));
                let to = format!("{}/{}", request.path(), query.unwrap_or_default());
                let page = Page::text(format!("the page is at {to}\n"));
                Ok(page.status(308).header("Location", &to))
            }
        })
    }

    fn find(&self, path: &str) -> Option<Found> {
        let (folders, is_folder) = match path.strip_suffix('/') {
            Some(folders) => (folders, true),
            None => (path, path.is_empty()),
        };
        let mut names = folders.split('/');
        if !folders.is_empty() && !names.all(is_plain) {
            return None;
        }
        let asked = self.root.join(folders);
        let there = self.inside(&asked)?;
        if there.is_dir() {
            if !is_folder {
                return Some(Found::Folder).filter(|_| self.index(&there).is_some());
            }
            return self.index(&there).map(Found::File);
        }
        (there.is_file() && !is_folder).then_some(Found::File(there))
    }

    fn index(&self, folder: &Path) -> Option<PathBuf> {
        let index = self.inside(&folder.join("index.html"))?;
        index.is_file().then_some(index)
    }

    /// The path without links, if it is in the folder and hidden nowhere.
    fn inside(&self, path: &Path) -> Option<PathBuf> {
        let path = path.canonicalize().ok()?;
        let mut below = path.strip_prefix(&self.root).ok()?.components();
        let is_shown = |part: Component<'_>| {
            let name = part.as_os_str();
            !name.as_encoded_bytes().starts_with(b".")
        };
        below.all(is_shown).then_some(path)
    }

    /// A path that is inside, as a page; or the refusal of it.
    fn read(&self, path: &Path) -> Result<Page, Page> {
        let page = open(&self.root, path).and_then(|file| Page::file(content_type(path), file));
        page.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => nothing_here(),
            _ => Page::refusal(500, format!("the file cannot be read: {error}")),
        })
    }
}

/// Whether a part of a path is the name of a file or a folder here, on every system, and none that is hidden.
fn is_plain(name: &str) -> bool {
    let is_odd = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':');
    !name.is_empty() && !name.starts_with('.') && !name.contains(is_odd)
}

/// Opens what is a file still, and waits for nothing: whoever may write in the folder can put a pipe or a link in its
/// place at any time.
fn open(root: &Path, path: &Path) -> io::Result<File> {
    let file = open_below(root, path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::ErrorKind::NotFound.into())
}

/// Follows no link below the root.
#[cfg(unix)]
fn open_below(root: &Path, path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, open, openat};
    use rustix::io::Errno;

    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let below = path.strip_prefix(root).map_err(io::Error::other)?;
    let mut file = open(root, flags, Mode::empty())?;
    for name in below {
        file = match openat(&file, name, flags | OFlags::NOFOLLOW, Mode::empty()) {
            Err(Errno::LOOP | Errno::MLINK | Errno::NOTDIR | Errno::NXIO) => {
                return Err(io::ErrorKind::NotFound.into());
            }
            opened => opened?,
        };
    }
    Ok(file.into())
}

#[cfg(not(unix))]
fn open_below(_root: &Path, path: &Path) -> io::Result<File> {
    File::open(path)
}

pub(super) fn nothing_here() -> Page {
    Page::refusal(404, "nothing here")
}

/// By the ending of the name. Browsers are told to guess nothing, so it has to be right for what pages load.
fn content_type(path: &Path) -> &'static str {
    let ending = path.extension().and_then(|ending| ending.to_str());
    match &*ending.unwrap_or_default().to_ascii_lowercase() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" | "log" => "text/plain; charset=utf-8",
        "md" => "text/markdown; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "xml" => "text/xml; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        _ => "application/octet-stream",
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::process::Command;

    #[test]
    fn what_was_put_in_the_place_of_a_file_meanwhile_is_not_opened() {
        let name = format!("plainws-{}-swapped", std::process::id());
        let root = std::env::temp_dir().canonicalize().unwrap().join(name);
        fs::create_dir_all(root.join("in/folder")).unwrap();
        for file in ["in/file", "in/folder/file", "outside"] {
            fs::write(root.join(file), "text").unwrap();
        }
        symlink("../outside", root.join("in/link")).unwrap();
        symlink("..", root.join("in/up")).unwrap();
        let pipe = root.join("in/pipe");
        assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
        let inside = root.join("in");
        for (path, is_opened) in [
            ("file", true),
            ("folder/file", true),
            ("folder", false),
            ("link", false),
            ("up/outside", false),
            ("file/file", false),
            ("pipe", false),
            ("none", false),
        ] {
            let opened = open(&inside, &inside.join(path)).map(drop);
            let expected = if is_opened {
                None
            } else {
                Some(io::ErrorKind::NotFound)
            };
            assert_eq!(opened.err().map(|error| error.kind()), expected, "{path}");
        }
        fs::remove_dir_all(root).unwrap();
    }
}
