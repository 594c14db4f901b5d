"""Decodes one message: the arithmetic decoder, the text's end, and what comes before the text."""

from collections import namedtuple

from .bits import M32
from .predict import Predictor
from .recall import Recall
from .syntax import Syntax

TEXT_MAX = 368 * 1024
END = 0
ZERO_RARE, ZERO_OFTEN = 64, 65000  # that a zero is text

# What is known of a text before it is coded.
About = namedtuple("About", "is_response kind account")
REQUEST = About(False, 0, -1)


class Malformed(ValueError):
    pass


class ArithmeticDecoder:
    def __init__(self, code):
        self.code = bytes(code)
        self.taken = 4
        self._low, self._high = 0, M32
        self._window = int.from_bytes(self.code[:4].ljust(4, b"\0"), "big")

    def bit(self, p1):
        middle = self._low + ((self._high - self._low) * p1 >> 16)
        bit = int(self._window <= middle)
        if bit:
            self._high = middle
        else:
            self._low = middle + 1
        while self._low >> 24 == self._high >> 24:
            self._low = self._low << 8 & M32
            self._high = (self._high << 8 | 0xFF) & M32
            following = self.code[self.taken] if self.taken < len(self.code) else 0
            self._window = (self._window << 8 | following) & M32
            self.taken += 1
        return bit


class Decoder:
    def __init__(self, tables):
        self.tables = tables
        self._seed = Recall()
        for is_response, kind, text in tables.seeds:
            self._seed.learn_text(Syntax(is_response, kind, -1), text)
        self._last = ((), self._seed)  # the last view, and the recall after it: the next one often goes on from there

    def _recall(self, view):
        view = tuple((seen.about, seen.text) for seen in view)
        known, recall = self._last
        if view[: len(known)] != known:
            known, recall = (), self._seed
        recall = recall.copy()
        for about, text in view[len(known) :]:
            recall.learn_text(Syntax(*about), text)
        self._last = (view, recall)
        return recall.copy()

    @staticmethod
    def _byte(coder, predictor):
        bet = predictor.bet()
        if bet and coder.bit(bet[1]):
            predictor.take(bet[0])
            return bet[0]
        predictor.open(bet and bet[0])
        byte = None
        while byte is None:
            byte = predictor.update(coder.bit(predictor.probability()))
        return byte

    def decode(self, code, view=(), about=REQUEST, limit=TEXT_MAX):
        """The text, of at most `limit` bytes, of a code that names no bases. `view`: of earlier ones, oldest first."""
        return self.decode_on(ArithmeticDecoder(code), view, about, limit)

    def decode_on(self, coder, view, about, limit=TEXT_MAX):
        """The same behind what was decoded already."""
        predictor = Predictor(self.tables, self._recall(view), Syntax(*about))
        text = bytearray()
        zeros = False
        while True:
            byte = self._byte(coder, predictor)
            if byte == END:
                is_text = coder.bit(ZERO_OFTEN if zeros else ZERO_RARE)
                zeros = True
                if not is_text:
                    break
            if coder.taken > len(coder.code) + 8:
                raise Malformed("the code ends before the text")
            if len(text) == limit:
                raise Malformed("the text is too long")
            text.append(byte)
        if any(coder.code[coder.taken :]):  # zeros are padding
            raise Malformed("code is left over")
        return bytes(text)
