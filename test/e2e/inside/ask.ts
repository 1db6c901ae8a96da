import { Resolver } from 'node:dns/promises'
import { get } from 'node:http'
import { text } from 'node:stream/consumers'

/**
 * One question from inside the node's network, answered as JSON: `http URL` or `dns SERVER NAME`.
 * Waits for no one: whoever asks too early gets the error.
 */
const LIMIT_MS = 5000

function http(url: string): Promise<{ readonly status: number | undefined; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: LIMIT_MS }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode, body }), reject)
    })
    request.on('timeout', () => request.destroy(new Error(`no answer within ${LIMIT_MS} ms`))).on('error', reject)
  })
}

async function dns(server: string, name: string): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: LIMIT_MS, tries: 1 })
  resolver.setServers([server])
  return await resolver.resolve4(name)
}

const [kind, ...words] = process.argv.slice(2)
console.log(JSON.stringify(kind === 'dns' ? await dns(words[0] ?? '', words[1] ?? '') : await http(words[0] ?? '')))
