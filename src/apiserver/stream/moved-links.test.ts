import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text } from 'node:stream/consumers'
import { type Move, moveUrl, movedLinks } from './moved-links.ts'

const move: Move = { backendHost: '10.1.0.2:8080', requestHost: 'api.test:6443', prefix: '/api/v1/namespaces/x/pods/p/proxy' }
const P = move.prefix

test('a place on the backend is moved under the prefix', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['/a', `${P}/a`],
    ['/a/', `${P}/a/`],
    ['/', `${P}/`],
    ['/a/../b?c=/d#e', `${P}/b?c=/d#e`],
    ['http://10.1.0.2:8080/a', `${P}/a`],
    ['https://api.test:6443/a', `https://api.test:6443${P}/a`],
    [`${P}/a`, `${P}/a`],
    ['a/b', 'a/b'],
    ['#top', '#top'],
    ['?q', '?q'],
    ['http://elsewhere/a', 'http://elsewhere/a'],
    ['//elsewhere/a', '//elsewhere/a'],
    ['javascript:alert(1)', 'javascript:alert(1)'],
  ]
  for (const [from, to] of cases) assert.equal(moveUrl(from, move), to, from)
})

async function rewritten(page: string, piece = page.length): Promise<string> {
  const links = movedLinks(move)
  for (let at = 0; at < page.length; at += piece) links.write(page.slice(at, at + piece))
  links.end()
  return text(links)
}

test('links of a page are moved, wherever it is cut into pieces, and nothing else is', async () => {
  const page = `<!doctype html><html><head><title>/x <a href="/no"></title><link rel=icon href=/i.png><script src='/s.js'>if (a < b) "<a href='/no'>"</script></head>
<body><!-- <a href="/no"> --><p title="/no">1 < 2</p><a class="b" href="/a?x=1&amp;y=2">ü</a><img alt=">" src="/p.png"/><form action="rel"></form></body></html>`
  const expected = page
    .replace('href=/i.png', `href=${P}/i.png`)
    .replace("src='/s.js'", `src='${P}/s.js'`)
    .replace('href="/a?x=1&amp;y=2"', `href="${P}/a?x=1&amp;y=2"`)
    .replace('src="/p.png"', `src="${P}/p.png"`)
  for (const piece of [page.length, 1, 3, 7]) assert.equal(await rewritten(page, piece), expected, `pieces of ${piece}`)
})

test('a tag that never ends is passed on, within a bound of memory', async () => {
  const page = `<a href="/a" ${'x'.repeat(100_000)}`
  assert.equal(await rewritten(page, 1000), page)
})
