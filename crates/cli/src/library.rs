//! `library`: care of the library, and what is in it.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use likeness_studio::api::{Filter, LibraryProblem, Order, PictureCard};
use likeness_studio::care::{self, Lost};
use serde::Serialize;

use crate::environment::Host;
use crate::report::{print, print_json};
use crate::{Failure, told};

/// Pictures that are asked for at once; more pages follow.
const PAGE: u32 = 200;

pub(crate) const EXAMPLES: &str = "\
Examples:
  likeness library check
  likeness library list fox --rating 1
  likeness library backup /media/disk/likeness
  likeness library export best/ --rating 4
  likeness library rebuild                      the database from the pictures alone";

/// What can be done to a library.
#[derive(Debug, Subcommand)]
pub enum LibraryCommand {
    /// List pictures, the newest first
    List {
        /// Which
        #[command(flatten)]
        which: Which,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
        /// One JSON object per picture
        #[arg(long)]
        json: bool,
    },
    /// Hold rows against files; exit code 5 where something is wrong
    Check {
        /// Read every byte of every picture
        #[arg(long)]
        all: bool,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Mend what a check finds; nothing is deleted but unfinished files
    Repair {
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Make the database anew from the pictures; the old one is moved aside
    Rebuild,
    /// Copy the library into a folder, or bring an older copy up to date
    Backup {
        /// The folder
        folder: PathBuf,
    },
    /// Make the library what a backup is; its own database is kept in backups/
    Restore {
        /// The backup's folder, or one of the databases that repairs and restores left in backups/
        folder: PathBuf,
    },
    /// Copy pictures into a folder, with manifest.json of all that is known of them
    Export {
        /// The folder
        folder: PathBuf,
        /// Which
        #[command(flatten)]
        which: Which,
    },
}

/// Which pictures.
#[derive(Debug, Default, Args)]
pub struct Which {
    /// Words of prompts, tags and subjects
    #[arg(value_name = "WORDS")]
    text: Option<String>,
    /// Marked with at least this, of five
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=5))]
    rating: Option<u8>,
    /// Made with this model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// With this tag
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// What is in the trash
    #[arg(long)]
    trash: bool,
}

impl Which {
    fn filter(self) -> Filter {
        Filter {
            text: self.text,
            model: self.model,
            min_rating: self.rating,
            board: None,
            tag: self.tag,
            subject: None,
            run: None,
            width: None,
            height: None,
            from: None,
            to: None,
            trashed: self.trash,
            order: Order::Newest,
        }
    }
}

/// Does what is asked, and prints what comes of it.
pub fn run(asked: LibraryCommand, host: &Host) -> Result<(), Failure> {
    let (folder, now) = (host.library.as_path(), (host.clock)());
    match asked {
        LibraryCommand::List { which, limit, json } => list(folder, &which.filter(), limit, json),
        LibraryCommand::Check { all, json } => {
            let report = care::check(folder, all)?;
            if json {
                print_json(&report)?;
            } else {
                print_problems(&report.problems)?;
                print(&format!("{} pictures", report.pictures))?;
            }
            clean(&report.problems, "likeness library repair")
        }
        LibraryCommand::Repair { json } => {
            let repaired = care::repair(folder, now)?;
            if json {
                print_json(&repaired)?;
            } else {
                repaired.done.iter().try_for_each(|line| print(line))?;
                print_problems(&repaired.left)?;
            }
            clean(&repaired.left, "likeness library rebuild")
        }
        LibraryCommand::Rebuild => {
            let rebuilt = care::rebuild(folder, now)
                .map_err(|error| Failure::of_library(error, "wait until it is"))?;
            for path in &rebuilt.unreadable {
                print(&format!("{}: left as it is, it is no whole picture", path.display()))?;
            }
            if let Some(old) = &rebuilt.old {
                print(&format!("the old database is {}", old.display()))?;
            }
            print(&format!("{} pictures, {} other files", rebuilt.pictures, rebuilt.assets))
        }
        LibraryCommand::Backup { folder: to } => {
            let backed_up = care::backup(folder, &to)?;
            print(&format!("{} files, {} of them new", backed_up.files, backed_up.copied))?;
            none_lost(&backed_up.lost)
        }
        LibraryCommand::Restore { folder: from } => {
            let restored = care::restore(folder, &from, now)?;
            if let Some(replaced) = &restored.replaced {
                print(&format!("the database that was here is {}", replaced.display()))?;
            }
            print(&format!("{} files", restored.files))?;
            none_lost(&restored.lost)
        }
        LibraryCommand::Export { folder: to, which } => {
            let exported = care::export(folder, which.filter(), &to)?;
            print(&format!("{} pictures", exported.pictures))?;
            none_lost(&exported.lost)
        }
    }
}

/// A picture as it is listed for scripts.
#[derive(Serialize)]
struct Listed<'a> {
    #[serde(flatten, serialize_with = "told::path")]
    path: &'a Path,
    #[serde(flatten)]
    card: &'a PictureCard,
}

fn list(folder: &Path, filter: &Filter, limit: u32, json: bool) -> Result<(), Failure> {
    let (mut left, mut after) = (limit, None::<String>);
    while left > 0 {
        let (page, paths) = care::list(folder, filter.clone(), after.as_deref(), left.min(PAGE))?;
        for (card, path) in page.items.iter().zip(&paths) {
            match json {
                true => print_json(&Listed { path, card })?,
                false => print(&line(card, path))?,
            }
        }
        left -= left.min(page.items.len() as u32);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(())
}

fn line(card: &PictureCard, path: &Path) -> String {
    let words = card.prompt.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{}  {}x{}  {}  {words}", card.rating, card.width, card.height, path.display())
}

fn print_problems(problems: &[LibraryProblem]) -> Result<(), Failure> {
    problems.iter().try_for_each(|problem| print(&problem.message))
}

/// What could not be copied, file by file. All else has been.
fn none_lost(lost: &[Lost]) -> Result<(), Failure> {
    lost.iter().try_for_each(|it| print(&format!("{}: {}", it.path.display(), it.problem)))?;
    match lost.len() {
        0 => Ok(()),
        many => Err(Failure::Storage(format!(
            "library: {many} files could not be read (accepted: likeness library check)"
        ))),
    }
}

fn clean(problems: &[LibraryProblem], remedy: &str) -> Result<(), Failure> {
    match problems.len() {
        0 => Ok(()),
        1 => Err(Failure::Storage(format!("library: there is a problem (accepted: {remedy})"))),
        many => Err(Failure::Storage(format!(
            "library: there are {many} problems (accepted: {remedy})"
        ))),
    }
}
