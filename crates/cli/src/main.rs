//! The program `likeness`: the edge where environment, clock and signals come in.

use std::process::ExitCode;
use std::sync::Arc;

use likeness_cli::environment::Host;
use likeness_cli::{Failure, arguments, report, run};
use likeness_engine::{Candle, UnmetInstructions, unmet_instructions};
use likeness_recipe::Engine;

fn main() -> ExitCode {
    let engine: Arc<dyn Engine> = Arc::new(Candle);
    let asked = match arguments::parse(std::env::args_os(), &*engine) {
        Ok(asked) => asked,
        Err(arguments::Answer::Text(text)) => {
            return report::print(text.trim_end())
                .map_or_else(|f| failed(&f), |()| ExitCode::SUCCESS);
        }
        Err(arguments::Answer::Failure(failure)) => return failed(&failure),
    };
    match unmet_instructions() {
        Some(unknown @ UnmetInstructions::Unknown { .. }) => {
            return failed(&Failure::Usage(unknown.to_string()));
        }
        Some(lesser) => report::complain(&format!("note: {lesser}")),
        None => {}
    }
    let outcome = Host::from_environment().and_then(|host| {
        if asked.command.stops_between_steps() {
            host.listen(asked.command.has_nothing_to_lose())?;
        }
        run(asked, &host, &engine)
    });
    outcome.map_or_else(|failure| failed(&failure), |()| ExitCode::SUCCESS)
}

fn failed(failure: &Failure) -> ExitCode {
    if *failure != Failure::ClosedPipe {
        report::complain(&format!("error: {failure}"));
    }
    ExitCode::from(failure.exit_code())
}
