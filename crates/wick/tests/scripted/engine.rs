//! An engine process that answers by a script: what the tests of the application talk to.

fn main() -> std::io::Result<()> {
    wick_engine::process::scripted::run_scripted_engine()
}
