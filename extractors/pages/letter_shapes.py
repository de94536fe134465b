"""The weights of a small network that tells a letter the right way up from one on its head (`turned`).

Made by `tests/benchmarks/train_turned.py` out of pages drawn in many fonts and scripts; nothing here is set by hand.
"""

import base64

ACROSS, DOWN = 8, 12
"""Cells that a letter is brought to; each holds how much of it is ink, 0 to 255, row by row."""

_OF_UNITS = (
    (-12332, -5.066e-05),
    (-78788, 7.481e-05),
    (16796, -1.985e-05),
    (-7510, -7.157e-05),
    (13159, 1.793e-05),
    (-3417, 3.256e-05),
    (3176, 4.048e-05),
    (-9055, 1.744e-05),
    (-7985, 1.949e-05),
    (41222, 1.132e-05),
    (125, -9.579e-05),
    (21559, -1.689e-05),
    (-18404, 2.139e-05),
    (2095, 2.174e-05),
    (-4372, 0.0002103),
    (11301, 1.509e-05),
)
"""Bias and outgoing weight of each unit."""

_OF_CELLS = (
    "cWG*6l%a}(cYJh%k(Qd2W^H<cnuvC4U_xJupn7*iRYrJ{n|)ycS9Yh9fL~A|YLl6ceQs-Sl9-iyaAj><l9X_CY=DezkBfnLb$W?_agTw",
    "4dxw#WagC6kcYkhZT6%Pjp@Df$TXB|&e~^%FdVZC5f}EF#f0cw=Nqm%>V{nalgpq?|MtGE;tEg203Swect-PgbZgOW#czC6&k#lP)P;H",
    "jIvTlQGVREFIo0EHihnH|?ik6R=n15|1iE4EeWMyoV$cb_RZhwQTc9MQ(eQkM#jgx|biFK8BfqaW|ZE1U8VSQ>$goA>CYm<wXbcl?1R&",
    "|ARlc0Nkhn1MKnu3R!XMTsjm!F7%hlqc!gMEQ|N}slXVSI~NfPI01i<yFIfQW{8f`^NMii>}Qf`5pBdX0&Sc6xhzd5(gKfO>goS!{xkj",
    "*NY1c6@((gok;2YK3`seSUj|LXC@sd~}Y4KYW6GfQE~L0d0DId4!0A9dUJveuH^^P=%FpfuM_OVqB4uP>hwaXj*-IPmO|%N^50&q)}31",
    "ad3%od5>jJU1)wvOplFpVpo)y0c?Pxjgi8bj(KaNtcs<MZF_{0qiU{+jFFM3h=W*tjF!NHSaNlOXN<UMU~GGiqLzhWUW}D~hl7ATa($D",
    "Ll!10%aFMExmXUQ!hLMkbk$QA%dWDL8f^>Cokcx9-H+^MaiKLHwkeGIQbeEfol6-oNe`#xQVt0OtY5@v#X^)CiOa}#*pOt?#lxKB$CRu",
    "uqlx_iRh<$^KZ)_23i+XK$jXpJzaDa%9dR~otj&6sMQ-O?xeSm~{ajK4hZ-<O=lZ}&(hL(4Aa)Y0Oh>m)3V04IlnTv8_Z;F3@ZJc~yYn",
    "PdPZl8Bf$(5<1gMx2rm4l$4nv0r{ew>kcmz%1MV2FBu7%Bm7hJbXL(uQ3;fPamjw2^!?eT-UYh?SCwfskKAL3ntKZg*mGSbl+!dWwmCb",
    "%uX@lX#+%d3k?ooQ0T#cz}aiYJPfpn}%Rpagl*>h=_r6o{^e|uZe_us+^96uawuudV+qnm|abafOK+nfPZR-a%DzY0hFGIZ&GGyJA;^|",
    "TwZ>VWRjqlY=MbtqLFWhXOyUC;+<ngSDmtjy@_~aoZRPztVB9V)WpMqJFbySxvSKWC3Z55lfIF4O@xG@t8bfniix|srKO^XkA{7ciEg@",
    "y0URQ8VN`8<oMU!^Wp`qFu48$8QE`&1ZB18SzSLfHXmdqO!L39{a)yjAfEZkVg^753VF68YfOvUxeO^?0gpGiQU~yr6ii?AQL>Os%h=z",
    "N3bz*LZmWgv>T5yPzjDu)yNPmirk9}xuX^4%Bfoynrc!hp`fqHp{fP{gEfpUC^cZiaQdT@t|zJaFNqJU~Sv5%V1owl7=dxeU6kz!+2dX",
    "0|4j9go0aFd$&nQUcUi++EWc8Y+Lf^J|gadL;Zi*IxRe3Fc;Vl7I&plFS|lX!^IosM{ot)+*+iF<Eac#(}yW<+6OF?NS}qMKi4WQK)*p",
    "^<)RczcJIkd0bVdv2S5ij8tec7}F^n`n%wcy)wrpM!*zW_YM_|CxM=eT0vIT60o#kc)z8XLMtQl$(!mfryEClZbh2p^cu8n{r}!cWj-t",
    "f_ICNVQ!qKgKl_xaCm1{WsOjMA4fMlfrx*fk9|7<d6$ieh<}=dcZyw1aD0`ad~rg8TZp5uhI46Yc$&1Rl7e%OagC;+nT2qWYMYIPe2S)",
    "sntgYAhK`_zf_HayaBqEqg@J^Aa(jt?etmy`aDsw^dwY0;dV+$0fPsmCf`x~Gfqi{`frW>Jet>^{h=qcId4Pg@ihg=`L2CgogoA>Ab$N",
    "h#dxw94d3%6+dx3_6et?2`e0+b0hlhW3lx1z7q)1_ScZQ94U7@0sX^midP<w@dae|$bA9u#Dgn(mypLI<<b8%o=dX8~ye2Qgc`;VZbnr",
    "l*En4f!`jD>WOyN92*nn#DE|JA#^XjXE~5pI4hHDi>-2XuK%",
)
"""The units' weights of the cells, a byte each in base 85: 128 is none."""


def _units() -> list[tuple[list[int], int, float]]:
    cells, raw = ACROSS * DOWN, base64.b85decode("".join(_OF_CELLS))
    rows = [raw[start : start + cells] for start in range(0, len(raw), cells)]
    return [([each - 128 for each in row], *rest) for row, rest in zip(rows, _OF_UNITS, strict=True)]


UNITS = _units()
"""Of each unit its weights of the cells, its bias, and its outgoing weight."""
