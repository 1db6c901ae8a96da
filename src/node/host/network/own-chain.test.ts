import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ownChain } from './own-chain.ts'

const BOTH = ['10.1.0.0/24', 'fd00:1::/64']
const list = (plugins: unknown): string => JSON.stringify({ cniVersion: '0.4.0', name: 'mine', plugins })

describe("an administrator's chain of plugins", () => {
  it('is given the ranges of the node in the words of containerd', () => {
    const text = list([
      {
        type: 'bridge',
        ipam: { type: 'host-local', ranges: [[{ subnet: '{{.PodCIDR}}' }], [{ subnet: '{{ index .PodCIDRRanges 1 }}' }]] },
      },
      { type: 'tuning' },
    ])
    const { config, plugins } = ownChain('f', text, BOTH)
    assert.deepEqual(plugins, ['bridge', 'tuning'])
    assert.deepEqual(
      JSON.parse(config).plugins[0].ipam.ranges,
      BOTH.map((subnet) => [{ subnet }]),
    )
  })
  const WRONG: readonly (readonly [string, string, RegExp])[] = [
    ['no JSON', '{', /f is no chain of CNI plugins: /],
    ['one plugin instead of a list', '{"cniVersion":"0.4.0","name":"a","type":"bridge"}', /it has no plugins/],
    ['an empty list', list([]), /it has no plugins/],
    ['no name', '{"cniVersion":"0.4.0","plugins":[{"type":"ptp"}]}', /it has no name/],
    ['no version', '{"name":"a","plugins":[{"type":"ptp"}]}', /it has no cniVersion/],
    ['a path as a plugin', list([{ type: '../../bin/sh' }]), /not the name of a program: "\.\.\/\.\.\/bin\/sh"/],
    ['plugins without a type', list([null]), /not the name of a program: undefined/],
    ['a list', '[]', /it is no object/],
    ['a template of other words', list([{ type: 'ptp', mtu: '{{.MTU}}' }]), /\{\{\.MTU\}\} is not known here/],
    ['a range that there is not', list([{ type: 'ptp', x: '{{index .PodCIDRRanges 2}}' }]), /asks for more ranges/],
  ]
  for (const [what, text, message] of WRONG)
    it(`is refused when it is ${what}`, () => assert.throws(() => ownChain('f', text, BOTH), message))
})
