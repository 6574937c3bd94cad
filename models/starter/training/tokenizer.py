"""The starter's tokenizer: byte-level pairs learnt from its own captions, so that each word it knows is one token.

    python tokenizer.py        writes tokenizer.json from 60,000 captions
"""

import random

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

import atlas
from form import BUILD, TOKENS, VOCABULARY
from tasks import Tasks
import vocabulary as words

MAX_TOKENS = TOKENS
PAD_MULTIPLE = 16
PAD = 0
PATH = BUILD / "tokenizer.json"


def captions(count=60000):
    tasks, r = Tasks(atlas.names(), allow_held_out_pairs=True), random.Random(7)
    kinds = [tasks.picture, tasks.reference, tasks.edit, tasks.pair]
    for _ in range(count):
        yield r.choices(kinds, [6, 2, 3, 1])[0](r).caption
    # Every phrase often enough that no word is split, singular and plural.
    for icon in words.SUBJECTS:
        for phrase in words.phrases(icon):
            yield from [f"a {phrase} and {words.plural(phrase)}"] * 40


def main():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<pad>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(captions(), trainer)
    tokenizer.save(str(PATH))
    print(tokenizer.get_vocab_size(), tokenizer.encode("a red fox on a snowy beach, paper cut").tokens)


def padded(ids, length=None):
    """Ids up to the next multiple of PAD_MULTIPLE, at least one."""
    length = length or max(1, -(-len(ids) // PAD_MULTIPLE)) * PAD_MULTIPLE
    return ids + [PAD] * (length - len(ids))


def load():
    return Tokenizer.from_file(str(PATH))


if __name__ == "__main__":
    main()
