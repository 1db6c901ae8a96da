import { type Basket, type Line, type Order, type Product, type Text, sum } from '../words.ts'
import { drawing, river } from './art.ts'
import type { Part, Witness } from './backends.ts'
import { type Html, html } from './html.ts'
import { type Language, say } from './language.ts'

/** What every page knows. Pages are functions of this and of what they show. */
export interface View {
  readonly language: Language
  readonly path: string
  /** The pod that makes the page. */
  readonly pod: string
  readonly style: string
  readonly basket: Basket | undefined
  readonly witnesses: ReadonlyMap<Part, Witness>
}

const none = html``

export function goodsPage(view: View, products: readonly Product[] | undefined): string {
  const t = wordsIn(view)
  const hero = html`<div class="hero">${river}<div class="wide"><h1>${t(say.title)}</h1><p>${t(say.lead)}</p><a class="button big" href="#goods">${t(say.look)}</a></div></div>`
  const cards = products?.map(
    ({ id, name, about, price }) => html`<li class="card">${drawing(id)}<div class="text"><h3>${t(name)}</h3><p>${t(about)}</p>
<form class="buy" method="post" action="/basket"><span class="price">${money(price)}</span><input type="hidden" name="back" value="/#goods"><input type="hidden" name="delta" value="1">
<button class="button" name="product" value="${id}" aria-label="${t(say.add)}: ${t(name)}">${t(say.add)}</button></form></div></li>`,
  )
  const goods = cards === undefined ? silent(view) : html`<ul class="grid">${cards}</ul>`
  return page(view, say.goods, html`<section id="goods"><div class="head"><h2>${t(say.goods)}</h2></div>${goods}</section>`, hero)
}

export function basketPage(view: View, lines: readonly Line[] | undefined, key: string, failed: boolean): string {
  const t = wordsIn(view)
  const step = (
    product: string,
    delta: number,
    sign: string,
    label: string,
  ): Html => html`<form method="post" action="/basket"><input type="hidden" name="back" value="/basket">
<input type="hidden" name="delta" value="${delta}"><button name="product" value="${product}" aria-label="${label}">${sign}</button></form>`
  const rows = lines?.map(
    ({
      product,
      name,
      price,
      count,
    }) => html`<div class="line">${drawing(product)}<div><h3>${t(name)}</h3><small>${money(price)}</small></div>
<div class="step">${step(product, -1, '−', `${t(say.fewer)}: ${t(name)}`)}<span>${count}</span>${step(product, 1, '+', `${t(say.more)}: ${t(name)}`)}</div><span class="price sum">${money(price * count)}</span></div>`,
  )
  const content =
    rows === undefined || lines === undefined
      ? silent(view)
      : rows.length === 0
        ? empty(view, say.emptyBasket)
        : html`<div class="sheet">${rows}<form class="total" method="post" action="/orders"><span>${t(say.total)} <strong>${money(sum(lines))}</strong></span>
<input type="hidden" name="key" value="${key}"><button class="button big">${t(say.order)}</button></form></div>`
  return page(
    view,
    say.basket,
    html`<section><div class="head"><h1>${t(say.basket)}</h1></div>${failed ? silent(view) : none}${content}</section>`,
  )
}

export function ordersPage(view: View, orders: readonly Order[] | undefined, placed: boolean): string {
  const t = wordsIn(view)
  const sheets = orders?.map(
    ({
      number,
      placedAt,
      lines,
    }) => html`<article class="sheet order"><h3><span>${t(say.number)} ${`№ ${String(number).padStart(4, '0')}`}</span><span class="price">${money(sum(lines))}</span></h3>
<time datetime="${placedAt}">${placedAt.slice(0, 16).replace('T', ' ')} UTC</time><ul>${lines.map(({ name, price, count }) => html`<li><span>${count} × ${t(name)}</span><span>${money(price * count)}</span></li>`)}</ul></article>`,
  )
  const content = sheets === undefined ? silent(view) : sheets.length === 0 ? empty(view, say.noOrders) : html`${sheets}`
  return page(
    view,
    say.orders,
    html`<section><div class="head"><h1>${t(say.orders)}</h1></div>${placed ? html`<p class="note good" role="status">${t(say.thanks)}</p>` : none}${content}</section>`,
  )
}

export function missingPage(view: View): string {
  return page(view, say.missing, empty(view, say.missing))
}

function page(view: View, title: Text, content: Html, hero: Html = none): string {
  const t = wordsIn(view)
  const other = view.language === 'zh' ? (['en', 'English'] as const) : (['zh', '中文'] as const)
  const count = Object.values(view.basket ?? {}).reduce((total, one) => total + one, 0)
  const link = (path: string, text: Text, extra: Html = none): Html =>
    html`<a href="${path}"${view.path === path ? html` aria-current="page"` : none}>${t(text)}${extra}</a>`
  return `<!doctype html>\n${
    html`<html lang="${view.language === 'zh' ? 'zh-Hans' : 'en'}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${t(title)} · ${t(say.shop)}</title><link rel="icon" href="/favicon.svg" type="image/svg+xml"><link rel="stylesheet" href="${view.style}"></head><body>
<header><div class="wide"><a class="brand" href="/"><img src="/favicon.svg" alt="">${t(say.shop)}</a>
<nav>${link('/basket', say.basket, count > 0 ? html`<span class="count">${count}</span>` : none)}${link('/orders', say.orders)}<a class="lang" href="${view.path}?lang=${other[0]}" hreflang="${other[0]}" lang="${other[0]}">${other[1]}</a></nav></div></header>
${hero}<main class="wide">${content}</main>${who(view)}</body></html>`.text
  }\n`
}

function who(view: View): Html {
  const t = wordsIn(view)
  const tiles = (['catalog', 'basket', 'orders'] as const).map((part) => {
    const witness = view.witnesses.get(part)
    if (witness === undefined) return html`<li class="tile off"><b>${t(say[part])}</b><code>${t(say.notAsked)}</code></li>`
    if (witness === 'silent') return html`<li class="tile off"><b>${t(say[part])}</b><code>${t(say.silent)}</code></li>`
    return html`<li class="tile" style="--hue:${hueOf(witness.pod)}"><b>${t(say[part])} <i>${witness.tookMs.toFixed(1)} ms</i></b><code>${witness.pod}</code></li>`
  })
  const own = html`<li class="tile" style="--hue:${hueOf(view.pod)}"><b>${t(say.page)}</b><code>${view.pod}</code></li>`
  return html`<aside class="who"><div class="wide"><h2>${t(say.who)}</h2><p>${t(say.whoLead)}</p><ul class="tiles">${own}${tiles}</ul><footer>${t(say.foot)}</footer></div></aside>`
}

const wordsIn =
  (view: View) =>
  (text: Text): string =>
    text[view.language]

const silent = (view: View): Html => html`<p class="note" role="alert">${wordsIn(view)(say.down)}</p>`
const empty = (view: View, text: Text): Html =>
  html`<div class="sheet empty"><p>${wordsIn(view)(text)}</p><a class="button" href="/#goods">${wordsIn(view)(say.back)}</a></div>`

export const money = (hundredths: number): string => `¥${(hundredths / 100).toFixed(2)}`

/** The same pod has the same colour on every page. */
function hueOf(pod: string): number {
  let hash = 0
  for (const character of pod) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 360
  return hash
}
