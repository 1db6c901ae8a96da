import type { Text } from '../words.ts'

export type Language = keyof Text

/** What was chosen wins; then the browser's wishes in their order; then English. */
export function languageOf(chosen: string | undefined, acceptLanguage: string | undefined): Language {
  if (chosen === 'zh' || chosen === 'en') return chosen
  const wishes = (acceptLanguage ?? '').split(',').map((wish) => {
    const [tag = '', ...parameters] = wish.trim().split(';')
    const quality = parameters.map((parameter) => /^\s*q=([\d.]+)\s*$/.exec(parameter)?.[1]).find((found) => found !== undefined)
    return { language: tag.toLowerCase().split('-')[0] ?? '', quality: Number(quality ?? 1) }
  })
  const known = wishes.filter(({ language, quality }) => (language === 'zh' || language === 'en') && quality > 0)
  return known.toSorted((a, b) => b.quality - a.quality)[0]?.language === 'zh' ? 'zh' : 'en'
}

export const say = {
  shop: { en: 'Sampan Supply', zh: '舢板小铺' },
  title: { en: 'Good things for slow rivers', zh: '慢水行舟，好物相随' },
  lead: {
    en: 'Eight things worth having aboard a small boat. Nothing here is for sale; everything here really runs: four services, a Redis and a ledger, in pods.',
    zh: '八件值得带上小船的好物。这里什么都不卖，却样样都在真跑：四个服务、一个 Redis、一本账簿，都在 Pod 里。',
  },
  look: { en: 'See the goods', zh: '看看好物' },
  goods: { en: 'On the jetty today', zh: '今日码头' },
  basket: { en: 'Basket', zh: '篮子' },
  orders: { en: 'Orders', zh: '订单' },
  add: { en: 'Add', zh: '放进篮子' },
  more: { en: 'One more', zh: '加一件' },
  fewer: { en: 'One fewer', zh: '减一件' },
  total: { en: 'Total', zh: '合计' },
  order: { en: 'Place the order', zh: '下单' },
  emptyBasket: { en: 'The basket is empty. The river is in no hurry.', zh: '篮子还空着。河水不急，慢慢挑。' },
  noOrders: { en: 'No orders yet. The first one will be kept in the ledger.', zh: '还没有订单。第一笔会记进账簿。' },
  thanks: { en: 'Thank you. The order is written down.', zh: '多谢惠顾，订单已入账。' },
  number: { en: 'Order', zh: '订单' },
  back: { en: 'Back to the goods', zh: '回去看好物' },
  down: {
    en: 'This part is not answering at the moment. The rest of the page is fine; reload to try again.',
    zh: '这一部分暂时没有回应，页面其余部分正常；刷新再试。',
  },
  who: { en: 'Who answered', zh: '谁在作答' },
  whoLead: {
    en: 'This page was put together from the answers of these pods. Reload: with more replicas, the names change.',
    zh: '这个页面由下列 Pod 的回答拼成。多几个副本再刷新，名字就会变。',
  },
  page: { en: 'Page', zh: '页面' },
  catalog: { en: 'Catalog', zh: '商品' },
  notAsked: { en: 'not asked for this page', zh: '本页没有用到' },
  silent: { en: 'did not answer', zh: '没有回应' },
  missing: { en: 'There is no such page.', zh: '没有这个页面。' },
  foot: {
    en: 'An example application of Sampan. No scripts, no cookies but the basket and the language.',
    zh: 'Sampan 的示例应用。没有脚本；除篮子与语言外，没有别的 Cookie。',
  },
} as const satisfies Record<string, Text>
