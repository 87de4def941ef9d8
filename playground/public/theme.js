document.documentElement.dataset.theme = localStorage.getItem('playground:theme') ?? 'system'
