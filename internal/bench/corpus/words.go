package corpus

import (
	"math/rand/v2"
	"strings"
	"unicode/utf8"
)

// vocabulary is the words of a language, the frequent ones first, and how often each is drawn.
type vocabulary struct {
	words []string
	ranks *rand.Zipf
}

// The words by rank follow Zipf's law as Mandelbrot corrected it. The exponent must be above one; spoken language is near
// it, and so a text of ten words has three or four that carry no meaning, and one that is rare.
const (
	zipfExponent = 1.05
	zipfShift    = 2.7
)

func newVocabulary(r *rand.Rand, frequent string, size int, starts, middles, ends []string) *vocabulary {
	words := strings.Fields(frequent)
	known := make(map[string]struct{}, size)
	for _, w := range words {
		known[w] = struct{}{}
	}
	for len(words) < size {
		w := pick(r, starts)
		for range r.IntN(3) {
			w += pick(r, middles)
		}
		w += pick(r, ends)
		if _, again := known[w]; !again {
			known[w] = struct{}{}
			words = append(words, w)
		}
	}
	return &vocabulary{words: words, ranks: rand.NewZipf(r, zipfExponent, zipfShift, uint64(size-1))}
}

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

// word draws one word.
func (t *vocabulary) word() string { return t.words[t.ranks.Uint64()] }

// text is about so many bytes of words, at least one.
func (t *vocabulary) text(b []byte, bytes int) []byte {
	for first := len(b); ; {
		b = append(b, t.word()...)
		if len(b)-first >= bytes {
			return b
		}
		b = append(b, ' ')
	}
}

// capital writes the first letter of what follows from at large, where the two are of one size.
func capital(b []byte, at int) {
	letter, n := utf8.DecodeRune(b[at:])
	large := []rune(strings.ToUpper(string(letter)))[0]
	if utf8.RuneLen(large) == n {
		utf8.EncodeRune(b[at:], large)
	}
}

// russian makes forty thousand words that the stemmer of Russian finds something to do with.
func russian(r *rand.Rand) *vocabulary {
	return newVocabulary(r, "и в не на я что он с это как а то по но мы все она так его за было от ты меня у же вы из бы только ещё "+
		"уже мне вот или когда да ну если нет до очень может где там потом сейчас можно надо кто для чтобы сегодня завтра просто "+
		"почему спасибо привет ладно знаю хорошо время человек день дома работа деньги люди дело жизнь друг", 40_000,
		strings.Fields("по на пере за раз при вы об со под про до из от у пред без воз сверх не бес под"),
		strings.Fields("ход лет вод рез мол бер стр кол дум вер гор лов мест сел дел знак пис каз ряд вид свет крут мер ток хран"),
		strings.Fields("ить ение ами ого ый ать ала ом ение ов ах ость остью ик ники ный ная ное ным ет ут ешь ился ка ки ку"))
}

// english makes twenty-five thousand words likewise.
func english(r *rand.Rand) *vocabulary {
	return newVocabulary(r, "the to and a of i in is it you that he was for on are with as his they be at one have this from or had by but "+
		"what some we can out other were all there when up use your how said an each she which do their time if will way about "+
		"many then them would like so these her long make thing see him two has look more day could go come did no know just "+
		"thanks yes ok today tomorrow really maybe people work home money", 25_000,
		strings.Fields("re un over in dis pre out up de con inter sub mis fore trans under"),
		strings.Fields("form port act press tend view point light stand play turn cast hold mark ground place serv struct vis"),
		strings.Fields("ing ed ion s er ly ment able ness ive al ation ful ist ure ity es ance"))
}
