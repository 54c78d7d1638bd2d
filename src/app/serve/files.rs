//! The files of a folder, as pages: `--static DIR`.
//!
//! Each is read anew for each request. None is served that is outside the folder, by whatever path or link, and
//! none whose name, or that of a folder on the way, begins with a dot.

use crate::app::text;
use plainws::Page;
use plainws::protocol::request::Request;
use std::fs;
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

    /// What a request is answered with whose path, under a prefix or not and without percent-encoding, is this one
    /// after its first slash; `None` if there is no such file.
    pub(super) fn page(&self, request: &Request, path: &str) -> Option<Page> {
        let page = match self.find(path)? {
            Found::File(file) => read(&file),
            Found::Folder => {
                let query = request.query().map(|query| format!("?{query}"));
                let to = format!("{}/{}", request.path(), query.unwrap_or_default());
                Page::text(format!("the page is at {to}\n"))
                    .status(308)
                    .header("Location", &to)
            }
        };
        Some(page.without_content_policy())
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
}

/// Whether a part of a path is the name of a file or a folder here, on every system, and none that is hidden.
fn is_plain(name: &str) -> bool {
    let is_odd = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':');
    !name.is_empty() && !name.starts_with('.') && !name.contains(is_odd)
}

fn read(path: &Path) -> Page {
    let page = fs::File::open(path).and_then(|file| Page::file(content_type(path), file));
    page.unwrap_or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => nothing_here(),
        _ => Page::refusal(500, format!("the file cannot be read: {error}")),
    })
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
