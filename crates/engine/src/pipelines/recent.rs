//! What was computed lately and may be asked for again.

use likeness_recipe::CacheUse;

/// The last few values by key, as many as their bytes allow, the latest last.
pub struct Recent<K, V> {
    entries: Vec<(K, V, u64)>,
    used: CacheUse,
}

impl<K: PartialEq, V: Clone> Recent<K, V> {
    /// Room for `limit` bytes of values. `name` is for whoever looks at how they are used.
    pub fn new(name: &str, limit: u64) -> Self {
        let used = CacheUse { name: name.to_owned(), limit, ..CacheUse::default() };
        Self { entries: Vec::new(), used }
    }

    /// The value of `key`, if it is still here.
    pub fn get(&mut self, key: &K) -> Option<V> {
        let Some(place) = self.entries.iter().position(|(one, ..)| one == key) else {
            self.used.misses += 1;
            return None;
        };
        self.used.hits += 1;
        let entry = self.entries.remove(place);
        let value = entry.1.clone();
        self.entries.push(entry);
        Some(value)
    }

    /// Keeps a value of this many bytes, and lets go of those that were asked for longest ago. One that
    /// alone is over the limit is not kept.
    pub fn put(&mut self, key: K, value: V, bytes: u64) {
        if bytes <= self.used.limit {
            self.entries.push((key, value, bytes));
            self.used.bytes += bytes;
            self.shrink();
        }
    }

    /// Changes the limit, and lets go of what is over it.
    pub fn set_limit(&mut self, bytes: u64) {
        self.used.limit = bytes;
        self.shrink();
    }

    /// How it has been used.
    pub fn used(&self) -> &CacheUse {
        &self.used
    }

    fn shrink(&mut self) {
        while self.used.bytes > self.used.limit && !self.entries.is_empty() {
            let (.., bytes) = self.entries.remove(0);
            self.used.bytes -= bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_asked_for_longest_ago_goes_first() {
        let mut recent = Recent::new("numbers", 20);
        recent.put("a", 1, 10);
        recent.put("b", 2, 10);
        assert_eq!(recent.get(&"a"), Some(1));
        recent.put("c", 3, 10);
        assert_eq!(
            (recent.get(&"a"), recent.get(&"b"), recent.get(&"c")),
            (Some(1), None, Some(3))
        );
        let used = recent.used();
        assert_eq!((used.hits, used.misses, used.bytes, used.limit), (3, 1, 20, 20));
    }

    #[test]
    fn no_more_is_kept_than_the_limit_says() {
        let mut recent = Recent::new("numbers", 20);
        recent.put("large", 1, 21);
        assert_eq!((recent.get(&"large"), recent.used().bytes), (None, 0));
        recent.put("a", 1, 10);
        recent.put("b", 2, 10);
        recent.set_limit(15);
        assert_eq!((recent.get(&"a"), recent.get(&"b"), recent.used().bytes), (None, Some(2), 10));
    }
}
