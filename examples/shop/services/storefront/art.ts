import { Html } from './html.ts'

/** A drawing for each product, 240 by 180, and the tint behind it. What has none gets a parcel. */
const DRAWINGS: Readonly<Record<string, readonly [tint: string, drawing: string]>> = {
  lantern: [
    '#f3c9a5',
    '<path d="M120 12v26" stroke="#5b3a29" stroke-width="4"/><rect x="96" y="36" width="48" height="12" rx="4" fill="#5b3a29"/><ellipse cx="120" cy="92" rx="54" ry="46" fill="#d9482b"/><ellipse cx="120" cy="92" rx="34" ry="46" fill="#e8663f"/><ellipse cx="120" cy="92" rx="13" ry="46" fill="#f58f5c"/><rect x="96" y="134" width="48" height="11" rx="4" fill="#5b3a29"/><path d="M108 145v20M120 145v26M132 145v20" stroke="#d9482b" stroke-width="4" stroke-linecap="round"/>',
  ],
  teapot: [
    '#cfe0d2',
    '<path d="M176 84c34-8 34 44-6 46" fill="none" stroke="#33605a" stroke-width="11"/><path d="M66 96c-22 2-22-30-42-34 4 30 12 56 44 60z" fill="#2a524d"/><path d="M60 90c0-26 24-40 60-40s60 14 60 40c0 36-20 62-60 62s-60-26-60-62z" fill="#3d746c"/><path d="M60 90c0-26 24-40 60-40 12 0 22 2 31 5-46 4-62 44-46 95-30-5-45-29-45-60z" fill="#4a867d"/><ellipse cx="120" cy="54" rx="36" ry="10" fill="#2a524d"/><circle cx="120" cy="40" r="9" fill="#2a524d"/><path d="M30 46c-8-10 8-16 0-28M44 42c-6-8 6-12 0-22" stroke="#fff" stroke-width="4" fill="none" stroke-linecap="round" opacity=".85"/>',
  ],
  umbrella: [
    '#f2dcae',
    '<path d="M120 38v106c0 22-28 22-28 2" fill="none" stroke="#7a4b2a" stroke-width="7" stroke-linecap="round"/><path d="M22 102c8-46 46-72 98-72s90 26 98 72c-16-12-34-12-49 0-15-12-34-12-49 0-15-12-34-12-49 0-15-12-33-12-49 0z" fill="#c98a2b"/><path d="M71 102c4-38 20-62 49-72 29 10 45 34 49 72-15-12-34-12-49 0-15-12-34-12-49 0z" fill="#e0a63f"/><path d="M120 30V16" stroke="#7a4b2a" stroke-width="6" stroke-linecap="round"/><path d="M120 30c-8 24-8 48 0 72 8-24 8-48 0-72z" fill="#f0bf62"/>',
  ],
  oar: [
    '#c9dbe6',
    '<g transform="rotate(38 120 90)"><rect x="115" y="-6" width="10" height="134" rx="5" fill="#9c6b3f"/><path d="M120 104c22 0 26 30 22 62-1 12-43 12-44 0-4-32 0-62 22-62z" fill="#b98250"/><path d="M120 104c-8 22-8 48 0 71" stroke="#8a5c34" stroke-width="3" fill="none"/><rect x="110" y="-14" width="20" height="20" rx="9" fill="#7a4b2a"/></g><path d="M16 156q16-10 32 0t32 0 32 0 32 0 32 0 32 0" stroke="#4d7f9c" stroke-width="5" fill="none" stroke-linecap="round"/><path d="M40 170q14-8 28 0t28 0 28 0 28 0 28 0" stroke="#7ca6bd" stroke-width="4" fill="none" stroke-linecap="round"/>',
  ],
  rope: [
    '#ead9c3',
    '<g fill="none" stroke-linecap="round"><ellipse cx="116" cy="126" rx="76" ry="28" stroke="#a07845" stroke-width="18"/><ellipse cx="116" cy="106" rx="70" ry="26" stroke="#b78b52" stroke-width="18"/><ellipse cx="116" cy="86" rx="64" ry="24" stroke="#c99d62" stroke-width="18"/><ellipse cx="116" cy="68" rx="57" ry="21" stroke="#d9b077" stroke-width="18"/><path d="M172 72c30-6 42-28 34-52" stroke="#d9b077" stroke-width="15"/><path d="M60 136l10-12M84 146l10-12M110 150l9-12M138 149l8-12M164 142l7-12M66 114l9-11M94 124l9-11M122 126l8-11M150 121l8-11M74 92l8-10M104 102l8-10M132 101l8-10M78 76l8-10M104 84l7-9M132 83l7-9" stroke="#8a6334" stroke-width="3"/></g>',
  ],
  chart: [
    '#d5d8ea',
    '<path d="M38 42l54-14 56 18 54-16v106l-54 16-56-18-54 14z" fill="#f7efd9"/><path d="M92 28l56 18v106l-56-18z" fill="#eadfc0"/><path d="M38 96c26-22 42 16 62-4s18-34 44-26 22 36 58 12v34c-30 18-44-4-62-10s-24 24-46 30-36-8-56 6z" fill="#6aa3b8"/><path d="M58 66l10 8 12-12M162 60l10 8 12-12" stroke="#7d9a5a" stroke-width="5" fill="none" stroke-linecap="round"/><path d="M60 118c24-8 40-6 58-22s34-22 62-12" stroke="#d9482b" stroke-width="4" stroke-dasharray="2 10" fill="none" stroke-linecap="round"/><path d="M174 74l16 20M190 74l-16 20" stroke="#d9482b" stroke-width="5" stroke-linecap="round"/>',
  ],
  creel: [
    '#d9e2c0',
    '<path d="M56 74c4-44 124-44 128 0" fill="none" stroke="#7a5a2a" stroke-width="8"/><path d="M48 72h144l-14 76c-2 10-8 14-18 14H80c-10 0-16-4-18-14z" fill="#b08a45"/><path d="M52 92h136M56 112h128M60 132h120M63 150h114" stroke="#8c6a2e" stroke-width="5"/><path d="M78 76l8 84M104 76l4 84M136 76l-4 84M162 76l-8 84" stroke="#c9a45c" stroke-width="6"/><rect x="42" y="62" width="156" height="18" rx="9" fill="#8c6a2e"/><path d="M150 60c10-26 34-34 54-28-6 8-6 16 0 26-20 8-38 10-54 2z" fill="#6d95a5"/><circle cx="164" cy="50" r="3" fill="#22333b"/>',
  ],
  flute: [
    '#e3d3e0',
    '<g transform="rotate(-24 120 90)"><rect x="14" y="78" width="212" height="22" rx="11" fill="#8aa05a"/><rect x="14" y="78" width="212" height="9" rx="4.500" fill="#a3b873"/><path d="M66 78v22M122 78v22M178 78v22" stroke="#66783f" stroke-width="4"/><g fill="#35401f"><ellipse cx="44" cy="89" rx="6" ry="5"/><circle cx="96" cy="89" r="4"/><circle cx="110" cy="89" r="4"/><circle cx="138" cy="89" r="4"/><circle cx="152" cy="89" r="4"/><circle cx="166" cy="89" r="4"/><circle cx="194" cy="89" r="4"/></g><path d="M206 100c4 20-8 30 0 50" stroke="#d9482b" stroke-width="5" fill="none" stroke-linecap="round"/><circle cx="206" cy="156" r="7" fill="#d9482b"/></g>',
  ],
}
const PARCEL = [
  '#dddddd',
  '<rect x="60" y="50" width="120" height="96" rx="8" fill="#b08a5a"/><path d="M120 50v96M60 90h120" stroke="#8a6a40" stroke-width="8"/>',
] as const

export function drawing(id: string): Html {
  const [tint, shapes] = Object.hasOwn(DRAWINGS, id) ? (DRAWINGS[id] ?? PARCEL) : PARCEL
  return new Html(`<svg class="art" viewBox="0 0 240 180" aria-hidden="true" style="--tint:${tint}">${shapes}</svg>`)
}

/** A boat on a river at dusk, behind the first words. */
export const river = new Html(`<svg class="river" viewBox="0 0 1200 420" preserveAspectRatio="xMidYMax slice" aria-hidden="true">
<defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#123c4a"/><stop offset=".55" stop-color="#3f7f86"/><stop offset="1" stop-color="#f2b98a"/></linearGradient>
<linearGradient id="water" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#e2a47e"/><stop offset=".25" stop-color="#4f8b8e"/><stop offset="1" stop-color="#103743"/></linearGradient></defs>
<rect width="1200" height="300" fill="url(#sky)"/><circle cx="905" cy="212" r="62" fill="#ffdca8"/><circle cx="905" cy="212" r="96" fill="#ffdca8" opacity=".18"/>
<path d="M0 250C90 170 150 160 230 220S390 130 480 200s130 20 210 30 150-90 230-40 130 40 280-30v130H0z" fill="#2f6a72" opacity=".55"/>
<path d="M0 280c80-70 170-60 250-20s150-60 260-10 190 20 300 10 190-60 390-10v50H0z" fill="#1d525c" opacity=".8"/>
<rect y="292" width="1200" height="128" fill="url(#water)"/><path d="M820 306h170M846 322h120M800 340h210M862 358h90" stroke="#ffdca8" stroke-width="5" stroke-linecap="round" opacity=".55"/>
<g transform="translate(640 214)"><path d="M-8 92c60 22 190 22 262-14-10 40-44 56-104 56H66c-40 0-64-16-74-42z" fill="#3a2418"/><path d="M-8 92c60 22 190 22 262-14l-3 10c-74 30-190 28-255 14z" fill="#5b3a29"/><path d="M62 96c0-46 24-62 62-62s62 12 66 54c-40 12-88 14-128 8z" fill="#8a5c34"/><path d="M82 98c-4-40 10-58 30-63M124 98V34M168 92c-2-34-14-50-30-57" stroke="#6b4526" stroke-width="4" fill="none"/><path d="M30 20l-14 120" stroke="#24160f" stroke-width="5"/><path d="M24 52c10-8 24-4 24 10l6 40H18z" fill="#22333b"/><circle cx="35" cy="40" r="10" fill="#e9c39b"/><path d="M12 38l23-20 23 20z" fill="#d8b26a"/><circle cx="204" cy="58" r="9" fill="#ff7a4d"/><circle cx="204" cy="58" r="18" fill="#ff7a4d" opacity=".25"/></g>
<path d="M60 352q30-12 60 0t60 0 60 0M330 388q30-12 60 0t60 0M900 392q30-12 60 0t60 0 60 0" stroke="#8fc0bd" stroke-width="4" fill="none" stroke-linecap="round" opacity=".5"/></svg>`)

export const FAVICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#0f6b6b"/><path d="M4 18c6 3 18 3 24-2-1 6-5 9-11 9h-5c-4 0-7-3-8-7z" fill="#fff"/><path d="M11 17c0-7 3-9 6-9s6 2 7 8c-4 1.500-9 2-13 1z" fill="#f2b98a"/></svg>'
