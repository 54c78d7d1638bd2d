//! The `plainws` program; see `plainws --help`.

mod app;

fn main() -> std::process::ExitCode {
    app::cli::run()
}
