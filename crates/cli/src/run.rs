//! From arguments to the command they name.

use std::sync::Arc;

use likeness_recipe::Engine;

use crate::arguments::{Arguments, Command};
use crate::environment::Host;
use crate::report::{Terminal, print, print_json};
use crate::{Failure, bench, deliver, generate, library, models, queue, show, upscale};

/// Does what is asked, and prints what comes of it.
pub fn run(asked: Arguments, host: &Host, engine: &Arc<dyn Engine>) -> Result<(), Failure> {
    let shared = engine;
    let engine = &**engine;
    match asked.command {
        Command::Generate { prompt, options, now } => {
            let (request, json, quiet) = options.into_request(prompt, None, false, Some(now));
            generate::generate(&request, host, engine, &mut Terminal::new(json, quiet))
        }
        Command::Edit { image, instruction, no_guard, options, now } => {
            let (request, json, quiet) =
                options.into_request(instruction, Some(image), no_guard, Some(now));
            generate::generate(&request, host, engine, &mut Terminal::new(json, quiet))
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

fn print_models(listed: &[models::Listed], json: bool, host: &Host) -> Result<(), Failure> {
    for model in listed {
        let path = model.path.display();
        match &model.reason {
            _ if json => print_json(model)?,
            None => {
                let family = model.family.as_deref().unwrap_or_default();
                print(&format!("{:<24} runs ({family})  {path}", model.name))?;
            }
            Some(reason) => print(&format!("{:<24} cannot run: {reason}  {path}", model.name))?,
        }
    }
    if listed.is_empty() && !json {
        let places: Vec<_> =
            host.model_places.iter().map(|place| place.display().to_string()).collect();
        print(&format!("No models. Looked in: {}", places.join(", ")))?;
    }
    Ok(())
}
