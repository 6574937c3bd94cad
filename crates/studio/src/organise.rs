//! Marks, tags, boards, trash, and the prompts of before. Whatever changes says so to everybody.

use likeness_library::{self as library, PictureId};

use crate::api::{
    Board, BoardId, BoardName, BoardPictures, BoardRename, Boards, Event, Ids, MarkCommand, Marks,
    MarksBefore, MarksList, Nothing, PromptEntry, Prompts, PromptsRequest, Purged, TagCommand,
};
use crate::queue::count;
use crate::{Studio, StudioError};

impl Studio {
    /// Marks pictures.
    pub fn mark(&self, asked: MarkCommand) -> Result<MarksBefore, StudioError> {
        let mut ids = parse(&asked.ids)?;
        if asked.unmarked == Some(true) {
            let marks = self.shared.read(|reader| reader.marks(&ids))?;
            ids = marks.iter().filter(|marks| marks.rating == 0).map(|marks| marks.id).collect();
        }
        let before = self.shared.write(|library| library.mark(&ids, asked.rating))?;
        self.shared.tell_pictures(&ids);
        Ok(marks_before(before))
    }

    /// Sets marks to what they were.
    pub fn set_marks(&self, asked: MarksList) -> Result<MarksBefore, StudioError> {
        let marks = asked
            .marks
            .into_iter()
            .map(|marks| Ok(library::Marks { id: marks.id.parse()?, rating: marks.rating }));
        let marks: Vec<_> = marks.collect::<Result<_, StudioError>>()?;
        let before = self.shared.write(|library| library.set_marks(&marks))?;
        let ids: Vec<_> = marks.iter().map(|marks| marks.id).collect();
        self.shared.tell_pictures(&ids);
        Ok(marks_before(before))
    }

    /// Gives pictures tags, and takes them away; answers with those whose tags changed.
    pub fn tag(&self, asked: TagCommand) -> Result<Ids, StudioError> {
        let ids = parse(&asked.ids)?;
        let changed = self.shared.write(|library| library.tag(&ids, &asked.add, &asked.remove))?;
        self.shared.tell_pictures(&changed);
        Ok(Ids { ids: changed.iter().map(PictureId::hex).collect() })
    }

    /// Puts pictures into the trash; answers with those that were not there yet.
    pub fn trash(&self, asked: Ids) -> Result<Ids, StudioError> {
        let (ids, now) = (parse(&asked.ids)?, self.shared.now());
        let changed = self.shared.write(|library| library.trash(&ids, now))?;
        self.moved(changed)
    }

    /// Takes pictures out of the trash; answers with those that were there.
    pub fn restore(&self, asked: Ids) -> Result<Ids, StudioError> {
        let ids = parse(&asked.ids)?;
        let changed = self.shared.write(|library| library.restore(&ids))?;
        self.moved(changed)
    }

    /// Deletes pictures that are in the trash for good.
    pub fn purge(&self, asked: Ids) -> Result<Purged, StudioError> {
        let ids = parse(&asked.ids)?;
        let purged = self.shared.write(|library| library.purge(&ids))?;
        self.shared.tell_pictures(&ids);
        self.shared.tell(Event::Boards);
        Ok(Purged { purged: count(purged) })
    }

    /// Deletes everything that is in the trash for good.
    pub fn empty_trash(&self, _: Nothing) -> Result<Purged, StudioError> {
        let purged = self.shared.write(|library| library.empty_trash())?;
        self.shared.tell(Event::Pictures { ids: Vec::new() });
        Ok(Purged { purged: count(purged) })
    }

    /// All boards.
    pub fn boards(&self, _: Nothing) -> Result<Boards, StudioError> {
        let boards = self.shared.read(|reader| reader.boards())?.into_iter();
        let boards =
            boards.map(|board| Board { id: board.id, name: board.name, count: count(board.count) });
        Ok(Boards { boards: boards.collect() })
    }

    /// Makes a board.
    pub fn board_create(&self, asked: BoardName) -> Result<BoardId, StudioError> {
        let now = self.shared.now();
        let id = self.shared.write(|library| library.board_create(&asked.name, now))?;
        self.shared.tell(Event::Boards);
        Ok(BoardId { id })
    }

    /// Gives a board another name.
    pub fn board_rename(&self, asked: BoardRename) -> Result<Nothing, StudioError> {
        self.shared.write(|library| library.board_rename(asked.id, &asked.name))?;
        self.shared.tell(Event::Boards);
        Ok(Nothing {})
    }

    /// Deletes a board; its pictures stay.
    pub fn board_delete(&self, asked: BoardId) -> Result<Nothing, StudioError> {
        self.shared.write(|library| library.board_delete(asked.id))?;
        self.shared.tell(Event::Boards);
        Ok(Nothing {})
    }

    /// Puts pictures on a board; answers with those that were not on it yet.
    pub fn board_add(&self, asked: BoardPictures) -> Result<Ids, StudioError> {
        let (ids, now) = (parse(&asked.ids)?, self.shared.now());
        let changed = self.shared.write(|library| library.board_add(asked.id, &ids, now))?;
        self.moved(changed)
    }

    /// Takes pictures off a board; answers with those that were on it.
    pub fn board_remove(&self, asked: BoardPictures) -> Result<Ids, StudioError> {
        let ids = parse(&asked.ids)?;
        let changed = self.shared.write(|library| library.board_remove(asked.id, &ids))?;
        self.moved(changed)
    }

    /// Prompts of before.
    pub fn prompts(&self, asked: PromptsRequest) -> Result<Prompts, StudioError> {
        let PromptsRequest { prefix, before, limit } = &asked;
        let rows = self.shared.read(|reader| reader.prompts(prefix, *before, *limit))?;
        let prompts = rows.into_iter().map(|row| PromptEntry {
            id: row.id,
            text: row.text,
            used_at: row.used_at,
            count: count(row.count),
        });
        Ok(Prompts { prompts: prompts.collect() })
    }

    /// Tells of pictures that went somewhere else, which boards count too.
    fn moved(&self, ids: Vec<PictureId>) -> Result<Ids, StudioError> {
        if !ids.is_empty() {
            self.shared.tell_pictures(&ids);
            self.shared.tell(Event::Boards);
        }
        Ok(Ids { ids: ids.iter().map(PictureId::hex).collect() })
    }
}

pub(crate) fn parse(ids: &[String]) -> Result<Vec<PictureId>, StudioError> {
    ids.iter().map(|id| Ok(id.parse()?)).collect()
}

fn marks_before(before: Vec<library::Marks>) -> MarksBefore {
    let before = before.into_iter().map(|marks| Marks { id: marks.id.hex(), rating: marks.rating });
    MarksBefore { before: before.collect() }
}
