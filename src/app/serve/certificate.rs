//! The certificate that the server shows inside TLS, and its key: `--tls-cert FILE --tls-key FILE`.

pub(super) use shown::Certificate;

use clap::Args;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(super) struct TlsOptions {
    /// Speak TLS (https, wss) with this certificate
    ///
    /// The file (PEM) holds the certificate, and after it those that lead to one that clients trust, as
    /// fullchain.pem of Let's Encrypt does. SIGHUP does not stop the server then: it reads both files again. New
    /// connections get what is in them, and open ones go on. If something is wrong with the files, the log says
    /// what, and nothing changes. A SIGHUP that is ignored at the start, as nohup does, stays ignored.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// The private key of that certificate
    ///
    /// The file is PEM too, without a password. One that holds both can be given to both options.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

impl TlsOptions {
    /// The certificate, if one is to be shown.
    ///
    /// # Errors
    ///
    /// It cannot be, in words for people.
    pub(super) fn certificate(&self) -> Result<Option<Certificate>, String> {
        let files = self.tls_cert.as_ref().zip(self.tls_key.as_ref());
        files
            .map(|(cert, key)| Certificate::of(cert, key))
            .transpose()
    }
}

#[cfg(feature = "tls")]
mod shown {
    use crate::app::signals::Hangups;
    use crate::app::text;
    use plainws::{InvalidTls, Server, ServerTls};
    use std::path::{Path, PathBuf};
    use std::{fs, io};

    /// A certificate that is shown.
    pub(in crate::app::serve) struct Certificate {
        files: Files,
        tls: ServerTls,
        /// Heeded from before the files are read, so that no change is missed and none ends a server that has just begun.
        hangups: Hangups,
    }

    impl Certificate {
        pub(super) fn of(cert: &Path, key: &Path) -> Result<Self, String> {
            let hangups =
                Hangups::heed().map_err(|error| format!("cannot wait for SIGHUP: {error}"))?;
            let files = Files {
                cert: cert.to_owned(),
                key: key.to_owned(),
            };
            Ok(Self {
                tls: files.read(ServerTls::from_pem)?,
                files,
                hangups,
            })
        }

        /// The server, inside TLS.
        pub(in crate::app::serve) fn shown_by(&self, server: Server) -> Server {
            server.tls(self.tls.clone())
        }

        /// Shows at each SIGHUP what the files have in them then, in a thread of its own, and tells how that went.
        ///
        /// # Errors
        ///
        /// There is no thread for it.
        pub(in crate::app::serve) fn renew_at_hangups(
            self,
            tell: impl Fn(Result<(), String>) + Send + 'static,
        ) -> io::Result<()> {
            let Self {
                files,
                tls,
                hangups,
            } = self;
            hangups.on_each(move || tell(files.read(|chain, key| tls.renew(chain, key))))
        }
    }

    struct Files {
        cert: PathBuf,
        key: PathBuf,
    }

    impl Files {
        fn read<T>(
            &self,
            take: impl FnOnce(&[u8], &[u8]) -> Result<T, InvalidTls>,
        ) -> Result<T, String> {
            let [of_cert, of_key] = [("--tls-cert", &self.cert), ("--tls-key", &self.key)]
                .map(|(flag, file)| format!("{flag} {}", shown(file)));
            let chain = fs::read(&self.cert).map_err(|error| format!("{of_cert}: {error}"))?;
            let key = fs::read(&self.key).map_err(|error| format!("{of_key}: {error}"))?;
            take(&chain, &key).map_err(|error| format!("{of_cert} {of_key}: {error}"))
        }
    }

    fn shown(file: &Path) -> String {
        text::escaped(file.as_os_str().as_encoded_bytes())
    }
}

#[cfg(not(feature = "tls"))]
mod shown {
    use crate::app::trust::NEEDS_TLS;
    use plainws::Server;
    use std::io;
    use std::path::Path;

    /// In a build without TLS there is none.
    pub(in crate::app::serve) enum Certificate {}

    impl Certificate {
        pub(super) fn of(_: &Path, _: &Path) -> Result<Self, String> {
            Err(format!("--tls-cert {NEEDS_TLS}"))
        }

        pub(in crate::app::serve) fn shown_by(&self, _: Server) -> Server {
            match *self {}
        }

        pub(in crate::app::serve) fn renew_at_hangups(
            self,
            _: impl Fn(Result<(), String>) + Send + 'static,
        ) -> io::Result<()> {
            match self {}
        }
    }
}
