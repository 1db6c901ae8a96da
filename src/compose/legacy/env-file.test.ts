import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readEnvironmentFileOne } from './env-file.ts'

function read(text: string, shell: Readonly<Record<string, string>> = {}): { readonly found: object; readonly warned: readonly number[] } {
  const warned: number[] = []
  const found = readEnvironmentFileOne(
    text,
    (name) => shell[name],
    (line) => warned.push(line),
  )
  return { found: Object.fromEntries(found), warned }
}

test('an environment file of Compose 1: quotes, comments, keys without a value', () => {
  const text = `# a comment
A=plain # not this
B=with#this
export C = 'single \\' $HOME \${A}'
D="two
lines\\t\\"x\\""
'E F'=quoted key
G
H=
I=a  `
  assert.deepEqual(read(text), {
    found: {
      A: 'plain',
      B: 'with#this',
      C: "single ' $HOME plain",
      D: 'two\nlines\t"x"',
      'E F': 'quoted key',
      G: undefined,
      H: '',
      I: 'a',
    },
    warned: [],
  })
})

test('variables are those before in the file, then those of the shell, in braces alone', () => {
  const { found } = read('A=1\nB=${A}-$A-${S}-${N:-none}-${N}\nS=file\nC=${S}', { S: 'shell', A: 'other' })
  assert.deepEqual(found, { A: '1', B: '1-$A-shell-none-', S: 'file', C: 'file' })
})

test('what is no statement is passed over and told', () => {
  assert.deepEqual(read('A=1\nno statement here\n=x\nB="open\nC=2'), { found: { A: '1', C: '2' }, warned: [2, 3, 4] })
})
