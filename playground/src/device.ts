const key = 'playground:device'
const birds = ['heron', 'swift', 'wren', 'plover', 'kestrel', 'finch', 'avocet', 'curlew', 'lapwing', 'siskin']

const newName = (): string => {
  const bird = birds[Math.floor(Math.random() * birds.length)]!
  return `${bird}-${Math.random().toString(16).slice(2, 5)}`
}

/** Who this browser is, to the others of a conversation. It stays the same, so a renewed token is for the same client. */
export const deviceName = (): string => {
  const name = localStorage.getItem(key) ?? newName()
  localStorage.setItem(key, name)
  return name
}
