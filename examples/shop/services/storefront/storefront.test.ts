import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Witness, askBackends, linesOf } from './backends.ts'
import { html } from './html.ts'
import { languageOf } from './language.ts'
import { type View, basketPage, goodsPage, money, ordersPage } from './pages.ts'

const product = { id: 'rope', name: { en: 'Rope <b>', zh: '缆绳' }, about: { en: 'Hemp & "tar"', zh: '麻' }, price: 4500 }
const view: View = { language: 'en', path: '/', pod: 'storefront-1', style: '/style.css', basket: { rope: 2 }, witnesses: new Map() }

describe('the language', () => {
  const wishes: readonly (readonly [chosen: string | undefined, accept: string | undefined, 'en' | 'zh'])[] = [
    [undefined, undefined, 'en'],
    [undefined, 'zh-CN,zh;q=0.9,en;q=0.8', 'zh'],
    [undefined, 'en-GB,en;q=0.9,zh;q=0.8', 'en'],
    [undefined, 'fr, zh-TW;q=0.4, en;q=0.3', 'zh'],
    [undefined, 'zh;q=0, en;q=0.1', 'en'],
    [undefined, 'fr', 'en'],
    ['zh', 'en', 'zh'],
    ['de', 'zh', 'zh'],
  ]
  for (const [chosen, accept, expected] of wishes)
    test(`${chosen} of ${accept} is ${expected}`, () => assert.equal(languageOf(chosen, accept), expected))
})

describe('pages', () => {
  test('text from elsewhere never becomes markup', () => {
    assert.equal(
      html`<i title="${'"><script>'}">${'a & b'}${[html`<b>${1}</b>`]}</i>`.text,
      '<i title="&quot;&gt;&lt;script&gt;">a &amp; b<b>1</b></i>',
    )
    const page = goodsPage(view, [product])
    assert.ok(page.includes('Rope &lt;b&gt;') && !page.includes('Rope <b>'))
    assert.ok(page.includes('Hemp &amp; &quot;tar&quot;'))
  })

  test('speak the language of the visitor and offer the other', () => {
    const chinese = goodsPage({ ...view, language: 'zh' }, [product])
    assert.ok(chinese.includes('<html lang="zh-Hans">') && chinese.includes('缆绳') && chinese.includes('href="/?lang=en"'))
    assert.ok(goodsPage(view, [product]).includes('href="/?lang=zh"'))
  })

  test('need no script', () => {
    assert.ok(
      ![goodsPage(view, [product]), basketPage(view, [], 'k', false), ordersPage(view, [], true)].some((page) =>
        /<script|onclick|javascript:/i.test(page),
      ),
    )
  })

  test('say which pod answered for each part', () => {
    const witnesses = new Map<'catalog' | 'basket', Witness>([
      ['catalog', { pod: 'catalog-7', tookMs: 1.26 }],
      ['basket', 'silent'],
    ])
    const page = goodsPage({ ...view, witnesses }, undefined)
    for (const part of ['storefront-1', 'catalog-7', '1.3 ms', 'did not answer', 'not asked for this page', 'role="alert"'])
      assert.ok(page.includes(part), part)
  })

  test('the basket shows lines and the total, and each form has a key of its own', () => {
    const page = basketPage(view, linesOf({ rope: 2, gone: 1 }, [product]), 'key-1', false)
    assert.ok(page.includes('¥90.00') && page.includes('value="key-1"') && !page.includes('gone'))
  })

  test('prices have two digits', () => {
    assert.deepEqual([0, 5, 12_800].map(money), ['¥0.00', '¥0.05', '¥128.00'])
  })
})

describe('asking other services', () => {
  const addresses = { catalog: 'http://catalog', basket: 'http://basket', orders: 'http://orders' }

  test('an answer comes with its witness, silence leaves a page that can be made', async () => {
    const asked: string[] = []
    const backends = askBackends(addresses, (method, url) => {
      asked.push(`${method} ${url}`)
      return url.startsWith('http://catalog')
        ? Promise.resolve({ value: [product], pod: 'catalog-7', tookMs: 2 })
        : Promise.reject(new Error('refused'))
    })
    assert.deepEqual(await backends.products(), [product])
    assert.equal(await backends.basket('a/b'), undefined)
    assert.deepEqual(
      [...backends.witnesses],
      [
        ['catalog', { pod: 'catalog-7', tookMs: 2 }],
        ['basket', 'silent'],
      ],
    )
    assert.deepEqual(asked, ['GET http://catalog/products', 'GET http://basket/baskets/a%2Fb'])
  })
})
