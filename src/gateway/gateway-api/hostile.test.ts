import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placesIn } from '../haproxy/places.ts'
import { planChange } from '../haproxy/plan.ts'
import { renderFiles } from '../haproxy/render.ts'
import { freshState } from '../haproxy/state.ts'
import type { HTTPRoute, RouteFilter } from './kinds.ts'
import { type ApiModel, apiModel, gatewayWith, http, meta } from './world.fixture.ts'

/** As if the API refused nothing: kinds of others may have looser rules than ours. */
const WORDS = ['\n', '\r\n', ' ', ';', '\\', '"', "'", '#', '$(id)', '<<', '\0', '\u2028', 'é', '%[env(PATH)]', '\nshutdown\n']
const places = placesIn('/tmp/g')
const listening = {
  address: '10.0.0.1',
  ownAddresses: [],
  httpPort: 80,
  httpsPort: 443,
  more: [],
  threads: 2,
  dropRights: false,
  affinityKey: 'ab12',
}

/** Everything that the data plane would be told or given of a model, from nothing. */
function everything({ model }: ApiModel): string {
  const { model: empty } = apiModel({ gateways: [] })
  empty.listen(model.ports())
  const told = freshState(empty)
  const commands = planChange(told, model, { ...model.takeChanges(), process: false }, places) ?? assert.fail('no plan')
  const files = renderFiles(freshState(model), places, listening, 'own\n')
  return [...commands.map(({ line, payload = '' }) => `${line}|${payload}`), ...files.values()].join('\n')
}

function routeWith(word: string): HTTPRoute {
  const filters: readonly RouteFilter[] = [
    { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'x-a', value: `HOSTILE${word}` }] } },
    {
      type: 'URLRewrite',
      urlRewrite: { hostname: `HOSTILE${word}.example`, path: { type: 'ReplaceFullPath', replaceFullPath: `/HOSTILE${word}` } },
    },
    { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: `HOSTILE${word}`, value: 'v' }] } },
    {
      type: 'RequestRedirect',
      requestRedirect: { hostname: `HOSTILE${word}`, path: { type: 'ReplacePrefixMatch', replacePrefixMatch: `/HOSTILE${word}` } },
    },
  ]
  return {
    metadata: meta('r'),
    spec: {
      parentRefs: [{ name: 'g' }],
      hostnames: ['good.example', `HOSTILE${word}.example`],
      rules: [
        ...filters.map((filter) => ({ matches: [{ path: { value: '/f' } }], filters: [filter], backendRefs: [{ name: 'a', port: 80 }] })),
        {
          matches: [
            { path: { type: 'Exact', value: `/HOSTILE${word}` } },
            { path: { type: 'PathPrefix', value: `/HOSTILE${word}` } },
            { path: { type: 'RegularExpression', value: `/HOSTILE${word}` } },
            { headers: [{ name: `HOSTILE${word}`, value: `HOSTILE${word}` }] },
            { queryParams: [{ name: `HOSTILE${word}`, value: `HOSTILE${word}` }], method: `HOSTILE${word}` },
          ],
          backendRefs: [{ name: 'a', port: 80 }],
        },
        {
          matches: [{ path: { type: 'Exact', value: `/HOSTILE${word}` } }],
          backendRefs: [{ name: `HOSTILE${word}`, namespace: `HOSTILE${word}`, port: 80 }],
        },
      ],
    },
  }
}

test('no text of a route reaches the data plane but as hexadecimal digits', () => {
  for (const word of WORDS) {
    const gateways = [gatewayWith('g', http('a'), http('b', { port: 8080, hostname: `HOSTILE${word}.example` }))]
    const said = everything(apiModel({ gateways, httpRoutes: [routeWith(word)] }))
    assert.ok(said.includes('good.example'), 'the rest of the route is served')
    assert.doesNotMatch(said, /hostile/i, JSON.stringify(word))
  }
})
