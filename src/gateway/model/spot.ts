/** A port at an address. Without one: at the address that is shared by all who have none of their own. */
export interface Spot {
  readonly address?: string | undefined
  readonly port: number
}

/** As it stands in keys of maps: `PORT`, or `ADDRESS:PORT`. */
export const spotText = ({ address, port }: Spot): string => (address === undefined ? String(port) : `${address}:${port}`)
