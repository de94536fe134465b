"""The one owner of the names of months, in the languages that documents are printed in."""

from functools import lru_cache

from schemas.folding import without_accents

_MONTHS = """
    january januar janvier januari enero gennaio janeiro jan janv ene gen jaenner janner styczen stycznia sty
    январь января янв leden ledna tammikuu tammikuuta tammi ocak oca ιανουαριος ιανουαριου ιαν ianuarie ian يناير
    січень січня січ януари

    february februar fevrier februari febrero febbraio fevereiro feb fev fevr febr feber luty lutego lut февраль
    февраля фев unor unora helmikuu helmikuuta helmi subat sub φεβρουαριος φεβρουαριου φεβ februarie فبراير شباط
    лютий лютого лют февруари

    march marz mars maart marzo marco mar mrz mrt maerz marts marzec marca март марта мар brezen brezna
    maaliskuu maaliskuuta maalis mart μαρτιος μαρτιου μαρ martie مارس آذار
    marcius maret березень березня бер

    april avril abril aprile apr avr abr kwiecien kwietnia kwi апрель апреля апр duben dubna huhtikuu huhtikuuta
    huhti nisan nis απριλιος απριλιου απρ aprilie أبريل إبريل نيسان
    aprilis квітень квітня квіт април

    may mai mei mayo maggio maio mag maj maja май мая kveten kvetna toukokuu toukokuuta touko mayis μαιος μαιου
    μαι mait مايو أيار
    majus травень травня трав

    june juni juin junio giugno junho jun giu czerwiec czerwca cze июнь июня июн cerven cervna kesakuu kesakuuta
    kesa haziran haz ιουνιος ιουνιου ιουν iunie iun يونيو حزيران
    junius червень червня черв юни

    july juli juillet julio luglio julho jul juil lug lipiec lipca lip июль июля июл cervenec cervence heinakuu
    heinakuuta heina temmuz tem ιουλιος ιουλιου ιουλ iulie iul يوليو تموز
    julius julai липень липня лип юли

    august aout augustus augusti agosto aug ago sierpien sierpnia sie август августа авг srpen srpna elokuu
    elokuuta elo agustos agu αυγουστος αυγουστου αυγ أغسطس
    augusztus agustus ogos серпень серпня серп

    september septembre septiembre settembre setembro sep sept set wrzesien wrzesnia wrz сентябрь сентября сен
    сент zari syyskuu syyskuuta syys eylul eyl σεπτεμβριος σεπτεμβριου σεπ septembrie سبتمبر أيلول
    szeptember вересень вересня вер септември

    october oktober octobre octubre ottobre outubro oct okt ott out pazdziernik pazdziernika paz октябрь октября
    окт rijen rijna lokakuu lokakuuta loka ekim eki οκτωβριος οκτωβριου οκτ octombrie أكتوبر
    жовтень жовтня жовт октомври

    november novembre noviembre novembro nov
    listopada listopadu lis ноябрь ноября ноя нояб marraskuu marraskuuta marras kasim
    kas νοεμβριος νοεμβριου νοε noiembrie noi نوفمبر
    листопад листопада ноември

    december dezember decembre diciembre dicembre dezembro dec dez dic grudzien grudnia gru декабрь декабря дек
    prosinec prosince joulukuu joulukuuta joulu aralik ara δεκεμβριος δεκεμβριου δεκ decembrie ديسمبر
    desember disember грудень грудня груд декември
"""
"""Names and abbreviations, folded or as written, a paragraph a month."""
ROMAN_MONTHS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
_SPELLED = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae"})


def folded(text: str) -> str:
    """A name without case, accents and dots: `Março` is `marco`, `İ` is `i`."""
    plain = text if text.isascii() else without_accents(text.casefold())
    return plain.lower().translate(_SPELLED)


_MONTH_OF = {
    folded(name): number for number, names in enumerate(_MONTHS.split("\n\n"), start=1) for name in names.split()
}


@lru_cache(maxsize=4096)
def month_named(word: str) -> int:
    """The month, 1 to 12, that a word names in one of the languages; 0 for none."""
    return _MONTH_OF.get(folded(word.removesuffix(".")), 0)
