//! From arguments to the command they name.

use std::sync::Arc;

use likeness_recipe::Engine;

use crate::arguments::{Arguments, Command};
use crate::environment::Host;
use crate::report::{Terminal, print, print_json};
use crate::request::Request;
use crate::{Failure, bench, deliver, generate, library, models, output, queue, show, upscale};

/// Does what is asked, and prints what comes of it.
pub fn run(asked: Arguments, host: &Host, engine: &Arc<dyn Engine>) -> Result<(), Failure> {
    let shared = engine;
    let engine = &**engine;
    match asked.command {
        Command::Generate { prompt, recipe, options, now } => {
            let prompt = prompt.unwrap_or_default();
            let (request, json, quiet) = options.into_request(prompt, None, false, Some(now));
            make(&Request { recipe, ..request }, json, quiet, host, engine)
        }
        Command::Edit { image, instruction, no_guard, options, now } => {
            let (request, json, quiet) =
                options.into_request(instruction, Some(image), no_guard, Some(now));
            make(&request, json, quiet, host, engine)
        }
        Command::Upscale { options } => upscale::run(&options, host, engine),
        Command::Deliver { options } => deliver::run(&options, host, engine),
        Command::Queue { command } => queue::run(command, host, shared),
        Command::Library { command } => library::run(command, host),
        Command::Recipe { image, json } => print(&show::recipe(&image, json)?),
        Command::Models { json } => {
            print_models(&models::list(&host.model_places, engine), json, host)
        }
        Command::Bench { options } => bench::run(&options, host, engine),
    }
}

fn make(
    request: &Request,
    json: bool,
    quiet: bool,
    host: &Host,
    engine: &dyn Engine,
) -> Result<(), Failure> {
    let aside = output::is_standard(request.out.as_deref(), json)?;
    let mut terminal = Terminal::new(json, quiet).aside(aside);
    generate::generate(request, host, engine, &mut terminal)
}

fn print_models(listed: &[models::Listed], json: bool, host: &Host) -> Result<(), Failure> {
    for model in listed {
        let path = model.path.display();
        // A stranger's manifest names it.
        let name = model.name.split_whitespace().collect::<Vec<_>>().join(" ");
        match &model.reason {
            _ if json => print_json(model)?,
            None => {
                let family = model.family.as_deref().unwrap_or_default();
                print(&format!("{name:<24} runs ({family})  {path}"))?;
            }
            Some(reason) => print(&format!("{name:<24} cannot run: {reason}  {path}"))?,
        }
    }
    if listed.is_empty() && !json {
        let places: Vec<_> =
            host.model_places.iter().map(|place| place.display().to_string()).collect();
        print(&format!("No models. Looked in: {}", places.join(", ")))?;
    }
    Ok(())
}
