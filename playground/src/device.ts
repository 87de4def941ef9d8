const key = 'playground:device'
const birds = ['heron', 'swift', 'wren', 'plover', 'kestrel', 'finch', 'avocet', 'curlew', 'lapwing', 'siskin']

const newName = (): string => {
  const bird = birds[Math.floor(Math.random() * birds.length)]!
  return `${bird}-${Math.random().toString(16).slice(2, 5)}`
}

/** The client id of this browser. It is stored, so a renewed token is for the same client. */
export const deviceName = (): string => {
  const name = localStorage.getItem(key) ?? newName()
  localStorage.setItem(key, name)
  return name
}
